/// Which requests read a number of ranges: ranges with small gaps between them are one request, since a round trip costs
/// more than the bytes of the gap.
public struct RangePlan: Sendable, Equatable {
    /// Where the bytes of a range are.
    public struct Place: Sendable, Equatable {
        /// The index of the request that contains them.
        public var request: Int
        /// How many bytes of the request's come before them.
        public var offset: Int
        /// How many bytes they are.
        public var count: Int
    }

    /// The requests in the order of their offsets, none of them empty.
    public private(set) var requests: [Range<UInt64>] = []
    /// The place of each range, in the order given; nil for an empty range.
    public private(set) var places: [Place?]

    /// Plans the requests.
    ///
    /// - Parameters:
    ///   - ranges: what is to be read, in any order; ranges may overlap.
    ///   - gap: the least gap, in bytes, that is not read along.
    ///   - most: no request gets longer than this by joining ranges, in bytes; a longer range stays one request.
    public init(_ ranges: [Range<UInt64>], gap: UInt64, most: UInt64) {
        places = Array(repeating: nil, count: ranges.count)
        let order = ranges.indices.filter { !ranges[$0].isEmpty }.sorted {
            (ranges[$0].lowerBound, ranges[$0].upperBound) < (ranges[$1].lowerBound, ranges[$1].upperBound)
        }
        for index in order {
            let range = ranges[index]
            if let last = requests.last, Self.joins(range, last, gap: gap, most: most) {
                requests[requests.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                requests.append(range)
            }
            let start = requests[requests.count - 1].lowerBound
            places[index] = Place(
                request: requests.count - 1, offset: Int(range.lowerBound - start), count: range.count)
        }
    }

    private static func joins(_ range: Range<UInt64>, _ last: Range<UInt64>, gap: UInt64, most: UInt64) -> Bool {
        if range.upperBound <= last.upperBound { return true }
        guard range.lowerBound <= last.upperBound || range.lowerBound - last.upperBound < gap else { return false }
        return range.upperBound - last.lowerBound <= most
    }

    /// Takes the ranges out of what the requests returned; nil if a request returned too few bytes.
    ///
    /// - Parameter answers: the bytes of each of ``requests``.
    public func pieces(of answers: [[UInt8]]) -> [[UInt8]]? {
        guard answers.count == requests.count else { return nil }
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(places.count)
        for place in places {
            guard let place else {
                pieces.append([])
                continue
            }
            let answer = answers[place.request]
            guard place.offset + place.count <= answer.count else { return nil }
            pieces.append(Array(answer[place.offset..<place.offset + place.count]))
        }
        return pieces
    }
}
