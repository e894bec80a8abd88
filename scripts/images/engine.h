// Shared by the demo's game servers: folders, a log in Unreal Engine's format, complete core dumps. Each server starts in its
// session's root and writes its files to game/Saved. Its working directory is game/Saved/Crashes, so that a core dump
// (core_pattern "core") is written where it is collected.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#ifdef __cplusplus
#include <atomic>
using std::atomic_fetch_add;
using std::atomic_uint;
#else
#include <stdatomic.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static FILE *engine_log;
static atomic_uint engine_frame;
static pthread_mutex_t engine_lock = PTHREAD_MUTEX_INITIALIZER;

static inline const char *engine_env(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? value : otherwise;
}

__attribute__((format(printf, 3, 4))) static inline void engine_say(
    const char *category, const char *level, const char *format, ...) {
    struct timespec now;
    struct tm fields;
    char text[1024];
    char stamp[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &fields);
    strftime(stamp, sizeof stamp, "%Y.%m.%d-%H.%M.%S", &fields);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&engine_lock);
    FILE *sinks[] = {stdout, engine_log};
    for (int index = 0; index < 2; index++) {
        if (sinks[index] == NULL) continue;
        fprintf(sinks[index], "[%s:%03ld][%3u]%s: %s%s\n", stamp, now.tv_nsec / 1000000, engine_frame % 1000u, category,
                level, text);
        fflush(sinks[index]);
    }
    pthread_mutex_unlock(&engine_lock);
}

#define SAY(category, ...) engine_say(category, "", __VA_ARGS__)
#define WARN(category, ...) engine_say(category, "Warning: ", __VA_ARGS__)
#define FAIL(category, ...) engine_say(category, "Error: ", __VA_ARGS__)

static inline void engine_make(const char *path) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        perror(path);
        exit(2);
    }
}

static inline void engine_begin(const char *name, const char *version) {
    char path[256];
    // Anonymous memory, private file-backed mappings, ELF headers and private huge pages: see core(5).
    FILE *filter = fopen("/proc/self/coredump_filter", "w");
    if (filter != NULL) {
        fputs("0x37\n", filter);
        fclose(filter);
    }
    engine_make("game");
    engine_make("game/Saved");
    engine_make("game/Saved/Logs");
    engine_make("game/Saved/Crashes");
    engine_make("game/Saved/Replays");
    snprintf(path, sizeof path, "game/Saved/Logs/%s.log", name);
    engine_log = fopen(path, "w");
    if (chdir("game/Saved/Crashes") != 0) perror("game/Saved/Crashes");
    SAY("LogInit", "Build: %s-%s Linux Shipping", name, version);
    SAY("LogInit", "Session %s on %s, match %s", engine_env("GAMEYE_SESSION_ID", "local"),
        engine_env("GAMEYE_HOST", "localhost"), engine_env("MATCH_ID", "none"));
    SAY("LogInit", "Listening on UDP port %s", engine_env("GAMEYE_PORT_UDP_7777", "7777"));
}

static inline void engine_wait(int milliseconds) {
    struct timespec pause = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

/// One step of a match, with typical log lines.
static inline void engine_step(unsigned *state, const char *map) {
    static const char *const weapons[] = {"rifle", "bow", "hammer", "railgun"};
    *state = *state * 1664525u + 1013904223u;
    unsigned player = *state >> 8 & 15;
    unsigned frame = atomic_fetch_add(&engine_frame, 1);
    switch (*state >> 28) {
    case 0:
        SAY("LogNet", "Join request: /Game/Maps/%s?Name=Player%02u?UniqueId=steam:7656119%08u", map, player,
            *state % 100000000u);
        break;
    case 1:
        WARN("LogNetPlayerMovement", "ServerMove: TimeStamp expired for Player%02u, frame %u", player, frame);
        break;
    case 2:
        SAY("LogOnlineSession", "Heartbeat: %u players, %.1f ms per frame", player + 2, 8.0 + (*state & 63) / 10.0);
        break;
    default:
        SAY("LogGameMode", "Player%02u hits Player%02u with %s for %u at X=%d Y=%d", player, (player + 3) & 15,
            weapons[*state >> 20 & 3], *state >> 12 & 127, (int)(*state & 8191) - 4096,
            (int)(*state >> 4 & 8191) - 4096);
    }
}

static inline int engine_seconds(int count, char **arguments, int otherwise) {
    for (int index = 1; index < count; index++)
        if (strncmp(arguments[index], "--seconds=", 10) == 0) return atoi(arguments[index] + 10);
    return otherwise;
}
