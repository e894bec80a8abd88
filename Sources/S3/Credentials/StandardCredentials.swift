public import Model

extension CredentialsChain {
    /// The sources in the order of AWS's tools: the environment, AWS's credentials file, the container's service, the
    /// instance's metadata service. A credentials file in the settings is the only source; a profile in the settings comes
    /// before the environment.
    /// Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-authentication.html#cli-chap-authentication-precedence
    ///
    /// Reads nothing yet.
    /// - Parameter environment: the process's variables.
    public static func standard(_ settings: BucketSettings, environment: [String: String]) -> CredentialsChain {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let systemd = value("CREDENTIALS_DIRECTORY")
        let profile = settings.profile ?? value("AWS_PROFILE")
        if let file = settings.credentialsFile {
            return CredentialsChain(
                [
                    FileCredentials(
                        path: file, profile: settings.profile ?? "default", isNamed: true, isProfileNamed: true,
                        systemd: systemd)
                ], hint: "correct credentials_file")
        }
        var shared: FileCredentials?
        if let path = value("AWS_SHARED_CREDENTIALS_FILE") ?? value("HOME").map({ $0 + "/.aws/credentials" }) {
            shared = FileCredentials(
                path: path, profile: profile ?? "default", isNamed: false, isProfileNamed: profile != nil,
                systemd: systemd)
        }
        let variables = EnvironmentCredentials(environment: environment)
        let first: [(any KeySource)?] = settings.profile == nil ? [variables, shared] : [shared, variables]
        let isWebIdentity = value("AWS_WEB_IDENTITY_TOKEN_FILE") != nil
        return CredentialsChain(
            first.compactMap(\.self) + [ContainerCredentials(environment), MachineCredentials(environment)],
            hint: isWebIdentity
                ? "salvage does not use AWS_WEB_IDENTITY_TOKEN_FILE; use EKS Pod Identity, or pass keys"
                : "set credentials_file in the configuration, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    }
}
