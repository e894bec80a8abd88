// A C++ server: waves of monsters walk towards players. A monster that lost its prey bites, which dereferences a null pointer
// in a lambda called by a template in a namespace, on the thread "GameThread".
#include "engine.h"

#include <string>
#include <vector>

namespace horde {

struct Player {
    std::string name;
    int health = 100;
};

struct Zombie {
    int distance = 0;
    Player *prey = nullptr;
};

template <typename Monster>
class Wave {
public:
    Wave(std::vector<Player> &players, size_t count) : monsters_(count) {
        for (size_t index = 0; index < count; index++) monsters_[index].prey = &players[index % players.size()];
    }

    void loosen(size_t index) { monsters_[index].prey = nullptr; }

    __attribute__((noinline)) int advance(int step) {
        int bitten = 0;
        each([&bitten, step](Monster &monster) __attribute__((noinline)) {
            monster.distance += step;
            monster.prey->health -= 1;
            bitten += 1;
        });
        return bitten;
    }

private:
    template <typename Action>
    __attribute__((noinline)) void each(Action action) {
        for (auto &monster : monsters_) action(monster);
    }

    std::vector<Monster> monsters_;
};

struct Match {
    std::vector<Player> players{8};
    Wave<Zombie> wave{players, 32};
    unsigned state = 0;
    int seconds = 0;

    __attribute__((noinline)) int tick(int frame) {
        engine_step(&state, "Cathedral");
        if (frame == seconds * 50 - 10) {
            WARN("LogHorde", "Zombie 17 lost its prey, player left during the wave");
            wave.loosen(17);
        }
        return frame % 5 == 3 ? wave.advance(static_cast<int>(state & 7)) : 0;
    }
};

}  // namespace horde

static void *game_loop(void *argument) {
    auto match = static_cast<horde::Match *>(argument);
    int bitten = 0;
    for (int frame = 0;; frame++) {
        bitten += match->tick(frame);
        engine_wait(20);
    }
    SAY("LogHorde", "Bites: %d", bitten);
    return nullptr;
}

int main(int count, char **arguments) {
    engine_begin("Horde", VERSION);
    static horde::Match match;
    match.state = static_cast<unsigned>(getpid());
    match.seconds = engine_seconds(count, arguments, 3);
    SAY("LogLoad", "LoadMap: /Game/Maps/Cathedral");
    pthread_t game;
    pthread_create(&game, nullptr, game_loop, &match);
    pthread_setname_np(game, "GameThread");
    pthread_join(game, nullptr);
    return 0;
}
