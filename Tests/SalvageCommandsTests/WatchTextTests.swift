import Ingest
import SalvageConfiguration
import Testing

@Suite struct WatchTextTests {
    @Test func theConfigurationKnowsEveryBarrier() {
        #expect(Set(SalvageConfiguration.Configuration.Confinement.barriers) == Set(Barriers.all))
    }
}
