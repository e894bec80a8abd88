// Aborts on a failed assertion, which it reports first: a car skips a checkpoint.
#include "engine.h"

struct car {
    int checkpoint;
    int lap;
};

__attribute__((noinline, noreturn)) static void assertion_failed(const char *expression, const char *file, int line) {
    FAIL("LogOutputDevice", "Assertion failed: %s [File:%s] [Line: %d]", expression, file, line);
    FAIL("LogCore", "=== Critical error: ===");
    fprintf(stderr, "racer: %s:%d: Assertion `%s' failed.\n", file, line, expression);
    fflush(NULL);
    abort();
}

#define CHECK(expression) \
    if (!(expression)) assertion_failed(#expression, __FILE__, __LINE__)

__attribute__((noinline)) static void pass_checkpoint(struct car *car, int checkpoint) {
    CHECK(checkpoint == car->checkpoint + 1);
    car->checkpoint = checkpoint;
    if (checkpoint == 10) {
        car->checkpoint = 0;
        car->lap += 1;
        SAY("LogRace", "Car finished lap %d", car->lap);
    }
}

__attribute__((noinline)) static void update_race(struct car *car, int frame, int last) {
    int next = car->checkpoint + 1;
    // In the last frame the car skips a checkpoint.
    pass_checkpoint(car, frame == last ? next + 1 : next);
}

int main(int count, char **arguments) {
    engine_begin("Racer", VERSION);
    int last = engine_seconds(count, arguments, 3) * 50;
    unsigned state = (unsigned)getpid();
    struct car car = {0, 0};
    SAY("LogLoad", "LoadMap: /Game/Maps/Ravine");
    for (int frame = 0;; frame++) {
        engine_step(&state, "Ravine");
        if (frame % 5 == 0) update_race(&car, frame, last);
        engine_wait(20);
    }
}
