#pragma once
// libpq (https://www.postgresql.org/docs/15/libpq.html), loaded when the first connection is made: linking it would cost
// every start of the program 5 ms.
