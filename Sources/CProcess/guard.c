#include "process.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct trial {
    pthread_mutex_t lock;
    pthread_cond_t over;
    int is_over;
};

static void *wait_for_end(void *argument) {
    struct trial *trial = argument;
    // The C library reserves a heap for each thread at its first allocation.
    void *volatile piece = malloc(64);
    free(piece);
    pthread_mutex_lock(&trial->lock);
    while (!trial->is_over) pthread_cond_wait(&trial->over, &trial->lock);
    pthread_mutex_unlock(&trial->lock);
    return NULL;
}

int salvage_can_start_threads(int count, size_t address_space) {
    struct trial trial = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    if (!threads) return ENOMEM;
    int started = 0;
    int failure = 0;
    while (started < count && failure == 0) {
        failure = pthread_create(&threads[started], NULL, wait_for_end, &trial);
        if (failure == 0) started++;
    }
    if (failure == 0) {
        void *room = mmap(NULL, address_space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room == MAP_FAILED) failure = errno;
        else munmap(room, address_space);
    }
    pthread_mutex_lock(&trial.lock);
    trial.is_over = 1;
    pthread_cond_broadcast(&trial.over);
    pthread_mutex_unlock(&trial.lock);
    for (int index = 0; index < started; index++) pthread_join(threads[index], NULL);
    free(threads);
    return failure;
}

static void *run_body(void *body) {
    ((void (*)(void))body)();
    return NULL;
}

int salvage_start_thread(void (*body)(void)) {
    pthread_attr_t attributes;
    int failure = pthread_attr_init(&attributes);
    if (failure != 0) return failure;
    pthread_attr_setstacksize(&attributes, 256 << 10);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    failure = pthread_create(&thread, &attributes, run_body, (void *)body);
    pthread_attr_destroy(&attributes);
    return failure;
}

static sem_t stops;
static atomic_int terminations, interrupts;

static void note_stop(int number) {
    int saved = errno;
    atomic_fetch_add(number == SIGINT ? &interrupts : &terminations, 1);
    sem_post(&stops);
    errno = saved;
}

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

int salvage_hold_stop_signals(void) {
    if (sem_init(&stops, 0, 0) != 0) return errno;
    // Handled, not only blocked: the main thread, once Dispatch has taken it over, waits with no signal blocked.
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_stop;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) return errno;
    sigset_t set;
    stop_signals(&set);
    return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int salvage_await_stop(int seconds) {
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    while (sem_clockwait(&stops, CLOCK_MONOTONIC, &end) != 0) {
        if (errno != EINTR) return 0;
    }
    if (atomic_load(&terminations) > 0) {
        atomic_fetch_sub(&terminations, 1);
        return SIGTERM;
    }
    atomic_fetch_sub(&interrupts, 1);
    return SIGINT;
}
