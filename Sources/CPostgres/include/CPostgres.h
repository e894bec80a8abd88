#pragma once
#include <stddef.h>
#include <stdint.h>

// libpq (https://www.postgresql.org/docs/15/libpq.html), loaded when the first connection is made: linking it would cost
// every start of the program 5 ms. Its header is not needed; what is declared here has been stable since PostgreSQL 14, which
// brought pipelines.

/// A connection; one thread uses it at a time.
typedef struct salvage_pq_connection salvage_pq_connection;

/// A result, with all rows of a command or some of them.
typedef struct salvage_pq_result salvage_pq_result;

/// The states of a result (ExecStatusType).
enum {
    SALVAGE_PQ_EMPTY = 0,
    SALVAGE_PQ_COMMAND = 1,
    SALVAGE_PQ_ROWS = 2,
    SALVAGE_PQ_ERROR = 7,
    SALVAGE_PQ_ONE_ROW = 9,
    SALVAGE_PQ_SYNC = 10,
    SALVAGE_PQ_SKIPPED = 11,
};

/// Loads the library. Returns NULL when it can be used, else why not; the text is never freed.
const char *salvage_pq_problem(void);

/// Whether a text is a connection string; NULL, or an error that the caller frees with `free`.
char *salvage_pq_address_error(const char *address);

/// Connects, without notices on standard error and in pipeline mode. The arrays end with NULL, and `dbname` is expanded. The
/// result is never NULL unless memory is short; `salvage_pq_is_lost` tells whether connecting failed.
salvage_pq_connection *salvage_pq_connect(const char *const *keywords, const char *const *values);

void salvage_pq_close(salvage_pq_connection *connection);

/// Whether the connection was lost or never made.
int salvage_pq_is_lost(const salvage_pq_connection *connection);

/// Whether the server has said that a connection needs a password and none was found.
int salvage_pq_needs_password(const salvage_pq_connection *connection);

/// The latest error; valid until the next call.
const char *salvage_pq_error(const salvage_pq_connection *connection);

/// A parameter that the server reported, such as `server_encoding`; may be NULL.
const char *salvage_pq_parameter(const salvage_pq_connection *connection, const char *name);

/// Queues a statement with parameters and results in binary format. Returns 1, or 0 when the connection is lost.
int salvage_pq_send(salvage_pq_connection *connection, const char *sql, int count, const uint32_t *types,
                    const char *const *values, const int *lengths, const int *formats);

/// Ends the queued statements and sends them. Returns 1, or 0 when the connection is lost.
int salvage_pq_sync(salvage_pq_connection *connection);

/// Asks for the rows of the command at the head of the queue one by one. Returns 1 if so.
int salvage_pq_one_by_one(salvage_pq_connection *connection);

/// Waits for the next result; NULL at the end of a command. The caller frees it with `salvage_pq_clear`.
salvage_pq_result *salvage_pq_next(salvage_pq_connection *connection);

/// Reads what has arrived without waiting. Returns 0 when the connection is lost.
int salvage_pq_look(salvage_pq_connection *connection);

void salvage_pq_clear(salvage_pq_result *result);
int salvage_pq_status(const salvage_pq_result *result);

/// A field of an error by its letter, such as 'C' for SQLSTATE and 'M' for the message; may be NULL.
const char *salvage_pq_field(const salvage_pq_result *result, int letter);

/// The whole text of an error.
const char *salvage_pq_result_error(const salvage_pq_result *result);

int salvage_pq_row_count(const salvage_pq_result *result);
int salvage_pq_column_count(const salvage_pq_result *result);
uint32_t salvage_pq_type(const salvage_pq_result *result, int column);
int salvage_pq_is_null(const salvage_pq_result *result, int row, int column);
const uint8_t *salvage_pq_value(const salvage_pq_result *result, int row, int column);
int salvage_pq_length(const salvage_pq_result *result, int row, int column);
