import Sandbox
@main struct Main { static func main() { sandboxProbe(); print("sandbox") } }
