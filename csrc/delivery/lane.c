#include "delivery/lane.h"

#include <string.h>

#include "base/clock.h"

void pe_lane_init(pe_lane *lane, void (*ended)(pe_lane *self, int64_t now), void *owner) {
  memset(lane, 0, sizeof *lane);
  lane->ended = ended;
  lane->owner = owner;
}

void pe_lane_close(pe_lane *lane) {
  pe_http_free(lane->http);
  lane->http = NULL;
}

static pe_error make_handle(pe_lane *lane, const pe_lane_pool *pool) {
  pe_http *http = NULL;
  pe_error error = pe_http_new(pool->plan, &http, NULL);

  if (error == PE_OK) error = pe_http_multi_join(pool->multi, http, lane);
  if (error == PE_OK) error = pe_http_set_credentials(http, pe_credentials_view(pool->credentials));
  if (error != PE_OK) {
    pe_http_free(http);
    return error;
  }
  lane->http = http;
  lane->credentials_number = pool->credentials_number;
  return PE_OK;
}

/* Gives the lane a handle with the credentials of the day. */
static pe_error ready(pe_lane *lane, const pe_lane_pool *pool) {
  pe_error error;
  if (!lane->http) return make_handle(lane, pool);
  if (lane->credentials_number == pool->credentials_number) return PE_OK;
  error = pe_http_set_credentials(lane->http, pe_credentials_view(pool->credentials));
  if (error == PE_OK) lane->credentials_number = pool->credentials_number;
  return error;
}

bool pe_lane_begin(pe_lane *lane, const pe_lane_pool *pool, const char *body, size_t size, int64_t timeout,
                   pe_attempt *attempt) {
  pe_error error = ready(lane, pool);
  if (error != PE_OK) {
    pe_attempt_fail(attempt, error);
    return false;
  }
  return pe_http_multi_begin(lane->http, body, size, timeout, &attempt->transfer) == PE_OK;
}

pe_sent pe_lane_cancel(pe_lane *lane) {
  return pe_http_multi_cancel(lane->http);
}

void pe_lane_end_done(const pe_lane_pool *pool) {
  pe_http *http;
  while ((http = pe_http_multi_done(pool->multi))) {
    pe_lane *lane = pe_http_user(http);
    lane->ended(lane, pe_clock_monotonic());
  }
}
