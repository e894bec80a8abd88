/// The part of `--help` that says what the flags alone do not.
enum Explanation {
    static let text = """
        A session is a process. session-run copies images/NAME/VERSION/ into a root folder for the session and starts \
        the executable there, with that root as working directory and the request's env and args. Core dumps are on; \
        if /proc/sys/kernel/core_pattern is relative, such as "core", they land in the working directory. The process \
        is not isolated. The API's path /game/Saved is game/Saved under the root, which the process also finds in \
        SANDBOX_ROOT. An image.json may set executable, args, env, ports ("7777/udp"), workdir, labels, locations, \
        copy and priority.

        Without a version, session-run takes the one with the highest priority and, among equals, the highest version \
        (10.0 over 9.0, 1.4.0 over 1.4.0-rc1). For an image that cannot be used the server returns 500 with the file \
        and the reason, which it also prints to standard error. A location is a region or one of its data centers; a \
        session shows the data center. The process's environment is PATH, overridden by the env of image.json, then by \
        that of the request, then by SANDBOX_ROOT and GAMEYE_*. All rules: docs/sandbox.md.

        Faults are given in --faults, in a session's label sandbox.faults, or at run time:
          curl -d '{"session":"*","faults":{"cut_at":1000}}' URL/_sandbox/faults
        Switches:
          archive gzip|tar|members|garbage   content_length   content_type   cut_at   cut_ending clean|close|reset
          stall_at   stall_seconds   bytes_per_second   delay_seconds   body_operations [operationId]
          artifact_404 never_existed|container_gone|path_absent   absent_path not_found|empty_archive
          while_running not_found|conflict|allow   padding_bytes   oversize serve|refuse|cut   sparse   bare_names
          omit_status   omit_tag   omit_labels   legacy_fields   created_in_seconds   labels not_json|bare
          status   status_seconds   dead_on_crash   hidden   hidden_after_exit_seconds
          listed_after_removal_seconds   describe_404   docker_frames   follow_hangs
          logs_after_exit serve|not_found|empty
          failures [{operation, status, count, probability, retry_after,
                     body json|html|bare|no_identifier|broken|empty}]
        Other endpoints under URL/_sandbox/: health, sessions, sessions/ID/remove, sessions/ID/signal/N, faults, fleet, \
        fleet/exit/N, requests.
        """
}
