/* The version of the library, in one place. */
#ifndef PE_VERSION_H
#define PE_VERSION_H

#define PE_VERSION "0.1.0"

#endif
