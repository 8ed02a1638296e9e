/* The signals by which a user ends the command, counted in place of ending it: SIGINT, SIGTERM, SIGHUP. For the process
 * of the command, which is its own host; no client calls this. The main thread's, and one at a time. */
#ifndef PE_INTERRUPTS_H
#define PE_INTERRUPTS_H

/* From here on they are counted, from 0, and interrupt what waits for a file. One that was ignored stays so: nohup, a
 * job in the background. What is written where nobody reads, or beyond a limit of size, is an error and no signal. */
void pe_interrupts_hold(void);

/* How many have come. */
int pe_interrupts_count(void);

/* All is as it was before. Legal when nothing is held. */
void pe_interrupts_release(void);

/* What is written where nobody reads is an error from here on, and ends the process no more; in programs that it starts
 * it is as it was. */
void pe_interrupts_survive_pipes(void);

#endif
