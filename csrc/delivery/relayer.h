/* The transport that hands events to a stream of Redis, many in one round trip: an event's outcome is `relayed` once
 * Redis has answered, and where that was asked for its replicas have. */
#ifndef PE_RELAYER_H
#define PE_RELAYER_H

#include "delivery/ends.h"
#include "delivery/relay_command.h"
#include "delivery/transport.h"
#include "policy/decision.h"

/* Makes one, which opens no connection before the first event; `ends` and `config` are borrowed. Returns PE_OK and sets
 * *transport, which the caller frees; or PE_NO_MEMORY, also when the system has no descriptor to give. */
pe_error pe_relayer_new(const pe_relay_config *config, const pe_decision_policy *policy, const pe_ends *ends,
                        pe_transport **transport);

#endif
