import SalvageCommands
@main struct Main { static func main() { print("salvage") } }
