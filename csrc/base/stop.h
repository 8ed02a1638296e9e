/* SIGTERM and SIGINT as something to wait for, in a program of our own: a command that runs until it is told to end. A
 * guest never calls this. The program's main thread. */
#ifndef PE_STOP_H
#define PE_STOP_H

#include <stdbool.h>

/* From here on the two signals ask for the end, and do not kill. Returns false where there is no descriptor left. */
bool pe_stop_catch(void);

/* Whether one came. Silences what pe_stop_descriptor tells of. */
bool pe_stop_is_requested(void);

/* Can be read once one came; -1: pe_stop_catch was not called. */
int pe_stop_descriptor(void);

#endif
