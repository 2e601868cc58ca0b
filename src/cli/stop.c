/* See stop.h. Everything that is written survives being cut off anywhere, so a second signal may exit at once. */
#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>
#include "cli/cli.h"

atomic_bool stop_asked;

static void on_signal(int number)
{
	(void)number;
	if (atomic_exchange(&stop_asked, true))
		_exit(FAILED);
}

void stop_on_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
