/* The data sets that `demo` and `load` know by name. */
#ifndef CLI_SHOPS_H
#define CLI_SHOPS_H

#include <stdbool.h>

#define SHOP_ORDERS_MOST 100000000
#define SHOP_RATE_MOST   1000000

/* "shop", or NULL for it. False: it was said which there are. */
bool shop_named(const char *name);

#endif
