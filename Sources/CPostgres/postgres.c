#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CPostgres.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
    void *(*parse)(const char *, char **);
    void (*free_options)(void *);
    void (*free_memory)(void *);
    salvage_pq_connection *(*connect)(const char *const *, const char *const *, int);
    void (*finish)(salvage_pq_connection *);
    int (*status)(const salvage_pq_connection *);
    int (*needs_password)(const salvage_pq_connection *);
    char *(*error)(const salvage_pq_connection *);
    const char *(*parameter)(const salvage_pq_connection *, const char *);
    void *(*notices)(salvage_pq_connection *, void (*)(void *, const char *), void *);
    int (*pipeline)(salvage_pq_connection *);
    int (*send)(salvage_pq_connection *, const char *, int, const uint32_t *, const char *const *, const int *,
                const int *, int);
    int (*sync)(salvage_pq_connection *);
    int (*one_by_one)(salvage_pq_connection *);
    salvage_pq_result *(*next)(salvage_pq_connection *);
    int (*look)(salvage_pq_connection *);
    void (*clear)(salvage_pq_result *);
    int (*result_status)(const salvage_pq_result *);
    char *(*field)(const salvage_pq_result *, int);
    char *(*result_error)(const salvage_pq_result *);
    int (*rows)(const salvage_pq_result *);
    int (*columns)(const salvage_pq_result *);
    uint32_t (*type)(const salvage_pq_result *, int);
    int (*is_null)(const salvage_pq_result *, int, int);
    char *(*value)(const salvage_pq_result *, int, int);
    int (*length)(const salvage_pq_result *, int, int);
} pq;

static const char *problem;

static const struct {
    const char *name;
    void *place;
} functions[] = {
    {"PQconninfoParse", &pq.parse},
    {"PQconninfoFree", &pq.free_options},
    {"PQfreemem", &pq.free_memory},
    {"PQconnectdbParams", &pq.connect},
    {"PQfinish", &pq.finish},
    {"PQstatus", &pq.status},
    {"PQconnectionNeedsPassword", &pq.needs_password},
    {"PQerrorMessage", &pq.error},
    {"PQparameterStatus", &pq.parameter},
    {"PQsetNoticeProcessor", &pq.notices},
    {"PQenterPipelineMode", &pq.pipeline},
    {"PQsendQueryParams", &pq.send},
    {"PQpipelineSync", &pq.sync},
    {"PQsetSingleRowMode", &pq.one_by_one},
    {"PQgetResult", &pq.next},
    {"PQconsumeInput", &pq.look},
    {"PQclear", &pq.clear},
    {"PQresultStatus", &pq.result_status},
    {"PQresultErrorField", &pq.field},
    {"PQresultErrorMessage", &pq.result_error},
    {"PQntuples", &pq.rows},
    {"PQnfields", &pq.columns},
    {"PQftype", &pq.type},
    {"PQgetisnull", &pq.is_null},
    {"PQgetvalue", &pq.value},
    {"PQgetlength", &pq.length},
};

// Debug builds export what they contain of libcrypto, and libpq's libssl must not find that before its own. The address
// sanitizer refuses the flag.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_SYMBOLS_FIRST 0
#endif
#endif
#ifndef OWN_SYMBOLS_FIRST
#define OWN_SYMBOLS_FIRST RTLD_DEEPBIND
#endif

static void load(void) {
    void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | OWN_SYMBOLS_FIRST);
    if (handle == NULL) {
        const char *reason = dlerror();
        problem = reason != NULL ? strdup(reason) : NULL;
        if (problem == NULL) problem = "libpq.so.5 cannot be loaded";
        return;
    }
    for (size_t index = 0; index < sizeof functions / sizeof functions[0]; index++) {
        void *found = dlsym(handle, functions[index].name);
        if (found == NULL) {
            problem = "libpq.so.5 is older than PostgreSQL 14";
            return;
        }
        // A pointer to a function cannot be assigned from one to an object in ISO C; POSIX has both of one size.
        memcpy(functions[index].place, &found, sizeof found);
    }
}

const char *salvage_pq_problem(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return problem;
}

char *salvage_pq_address_error(const char *address) {
    char *message = NULL;
    void *options = pq.parse(address, &message);
    if (options != NULL) {
        pq.free_options(options);
        return NULL;
    }
    char *copy = strdup(message != NULL ? message : "out of memory");
    if (message != NULL) pq.free_memory(message);
    return copy;
}

static void ignore(void *context, const char *message) { (void)context, (void)message; }

salvage_pq_connection *salvage_pq_connect(const char *const *keywords, const char *const *values) {
    salvage_pq_connection *connection = pq.connect(keywords, values, 1);
    if (connection == NULL || pq.status(connection) != 0) return connection;
    pq.notices(connection, ignore, NULL);
    // It can only fail on a connection in use, which a new one is not.
    (void)pq.pipeline(connection);
    return connection;
}

void salvage_pq_close(salvage_pq_connection *connection) {
    if (connection != NULL) pq.finish(connection);
}

int salvage_pq_is_lost(const salvage_pq_connection *connection) { return pq.status(connection) != 0; }

int salvage_pq_needs_password(const salvage_pq_connection *connection) { return pq.needs_password(connection); }

const char *salvage_pq_error(const salvage_pq_connection *connection) { return pq.error(connection); }

const char *salvage_pq_parameter(const salvage_pq_connection *connection, const char *name) {
    return pq.parameter(connection, name);
}

int salvage_pq_send(salvage_pq_connection *connection, const char *sql, int count, const uint32_t *types,
                    const char *const *values, const int *lengths, const int *formats) {
    return pq.send(connection, sql, count, types, values, lengths, formats, 1);
}

int salvage_pq_sync(salvage_pq_connection *connection) { return pq.sync(connection); }

int salvage_pq_one_by_one(salvage_pq_connection *connection) { return pq.one_by_one(connection); }

salvage_pq_result *salvage_pq_next(salvage_pq_connection *connection) { return pq.next(connection); }

int salvage_pq_look(salvage_pq_connection *connection) { return pq.look(connection); }

void salvage_pq_clear(salvage_pq_result *result) { pq.clear(result); }

int salvage_pq_status(const salvage_pq_result *result) { return pq.result_status(result); }

const char *salvage_pq_field(const salvage_pq_result *result, int letter) { return pq.field(result, letter); }

const char *salvage_pq_result_error(const salvage_pq_result *result) { return pq.result_error(result); }

int salvage_pq_row_count(const salvage_pq_result *result) { return pq.rows(result); }

int salvage_pq_column_count(const salvage_pq_result *result) { return pq.columns(result); }

uint32_t salvage_pq_type(const salvage_pq_result *result, int column) { return pq.type(result, column); }

int salvage_pq_is_null(const salvage_pq_result *result, int row, int column) {
    return pq.is_null(result, row, column);
}

const uint8_t *salvage_pq_value(const salvage_pq_result *result, int row, int column) {
    return (const uint8_t *)pq.value(result, row, column);
}

int salvage_pq_length(const salvage_pq_result *result, int row, int column) { return pq.length(result, row, column); }
