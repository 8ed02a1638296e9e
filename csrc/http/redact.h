/* Hides what is searched for in a text, behind whatever layers others wrote around it. Any thread. */
#ifndef PE_REDACT_H
#define PE_REDACT_H

#include "http/disguise.h"

/* Puts "***" in the place of each; returns the new size, which is not larger. The text is read in every way of
 * unfold.h, and what comes of that again, three times, from the outermost layer on until that has cost some twelve
 * readings of the text. When memory is out, nothing of the text is left. */
size_t pe_redact(const pe_disguises *disguises, char *text, size_t size);

#endif
