// Waits for players until it gets SIGTERM.
#include "engine.h"

static volatile sig_atomic_t leaving;

static void leave(int number) { leaving = number; }

int main(void) {
    struct sigaction action = {.sa_handler = leave};
    sigaction(SIGTERM, &action, NULL);
    engine_begin("Lobby", VERSION);
    unsigned state = (unsigned)getpid();
    while (!leaving) {
        engine_step(&state, "Lobby");
        engine_wait(200);
    }
    WARN("LogCore", "Engine exit requested (reason: signal %d)", (int)leaving);
    SAY("LogExit", "Exiting.");
    return 0;
}
