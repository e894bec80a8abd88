import Glibc

/// A tar stream inflated on its own thread, a few pieces ahead of the reader.
///
/// This helps when the reader's own work (hashing, compressing) takes about as long as inflating; for a reader that
/// does nothing it only adds the hand-over.
final class InflateThread: TarStream {
    private let ring: InflateRing
    private var thread = pthread_t()
    private let running: Bool
    private var held = false

    init(decoder: GzipDecoder) {
        ring = InflateRing(decoder: decoder)
        let context = Unmanaged.passRetained(ring)
        let code = pthread_create(&thread, nil, runDecoder, context.toOpaque())
        running = code == 0
        if !running { context.release() }
    }

    deinit {
        guard running else { return }
        ring.abandon()
        pthread_join(thread, nil)
    }

    func next() -> UnsafeMutableRawBufferPointer {
        // Without a thread, inflate here.
        guard running else { return ring.fillDirectly() }
        if held { ring.giveBack() }
        let piece = ring.take()
        held = !piece.isEmpty
        return piece
    }

    var end: StreamEnd { ring.end }
}

private let runDecoder: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    guard let context else { return nil }
    Unmanaged<InflateRing>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

/// The pieces between the inflating thread and its reader.
///
/// Unchecked: `produced`, `consumed`, `finished`, `abandoned`, `ends` and `lastEnd` are accessed only under the mutex; a
/// buffer belongs to the inflating thread until it is counted as produced and to the reader until it is counted as
/// consumed; the decoder belongs to the inflating thread, or to the reader where there is none.
private final class InflateRing: @unchecked Sendable {
    private static let depth = 4

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let buffers: [UnsafeMutableRawBufferPointer]
    private var counts = [Int](repeating: 0, count: depth)
    /// The stream's end as known after each piece: the reader must not see what is ahead of it.
    private var ends = [StreamEnd](repeating: StreamEnd(), count: depth)
    private var decoder: GzipDecoder

    private var produced = 0
    private var consumed = 0
    private var finished = false
    private var abandoned = false
    private var lastEnd = StreamEnd()

    init(decoder: GzipDecoder) {
        self.decoder = decoder
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        buffers = (0..<Self.depth).map { _ in .allocate(byteCount: inflatedPieceSize, alignment: 4096) }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
        for buffer in buffers { buffer.deallocate() }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    var end: StreamEnd { locked { lastEnd } }

    /// Runs the inflating thread: fills one buffer after another until the end or until abandoned.
    func run() {
        while true {
            let slot = locked { () -> Int? in
                while produced - consumed == Self.depth, !abandoned { pthread_cond_wait(changed, mutex) }
                return abandoned ? nil : produced % Self.depth
            }
            guard let slot else { return }
            let count = decoder.fill(buffers[slot])
            let goOn = locked { () -> Bool in
                counts[slot] = count
                ends[slot] = decoder.soFar
                if count > 0 { produced += 1 } else { finished = true }
                pthread_cond_signal(changed)
                return count > 0
            }
            guard goOn else { return }
        }
    }

    /// Waits for the next piece; empty at the end.
    func take() -> UnsafeMutableRawBufferPointer {
        locked {
            while produced == consumed, !finished { pthread_cond_wait(changed, mutex) }
            lastEnd = ends[consumed % Self.depth]
            guard produced > consumed else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
            let slot = consumed % Self.depth
            return UnsafeMutableRawBufferPointer(rebasing: buffers[slot][..<counts[slot]])
        }
    }

    /// Gives back the piece taken last.
    func giveBack() {
        locked {
            consumed += 1
            pthread_cond_signal(changed)
        }
    }

    /// Tells the inflating thread to stop.
    func abandon() {
        locked {
            abandoned = true
            pthread_cond_signal(changed)
        }
    }

    /// Inflates on the caller's thread, when no other could be started.
    func fillDirectly() -> UnsafeMutableRawBufferPointer {
        let count = decoder.fill(buffers[0])
        lastEnd = decoder.soFar
        return UnsafeMutableRawBufferPointer(rebasing: buffers[0][..<count])
    }
}
