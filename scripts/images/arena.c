// Plays for a few seconds, saves a replay, and exits cleanly.
#include "engine.h"

static void save_replay(unsigned *state) {
    FILE *replay = fopen("../Replays/match.replay", "wb");
    if (replay == NULL) return;
    for (int index = 0; index < 64 * 1024; index++) {
        *state = *state * 1664525u + 1013904223u;
        fputc((int)(*state >> 24), replay);
    }
    fclose(replay);
    SAY("LogReplay", "Saved replay match.replay, 65536 bytes");
}

int main(int count, char **arguments) {
    engine_begin("Arena", VERSION);
    int seconds = engine_seconds(count, arguments, 4);
    unsigned state = (unsigned)getpid();
    SAY("LogLoad", "LoadMap: /Game/Maps/Harbour");
    for (int step = 0; step < seconds * 50; step++) {
        engine_step(&state, "Harbour");
        engine_wait(20);
    }
    SAY("LogGameMode", "Match state changed from InProgress to WaitingPostMatch, winner Player%02u", state >> 8 & 15);
    save_replay(&state);
    SAY("LogExit", "Exiting.");
    return 0;
}
