/* The half of sender.h that is the thread. */
#include "delivery/sender.h"

#include "base/clock.h"
#include "delivery/sender_private.h"

/* So long a sender that had work looks again by itself, at such distances, before it sleeps: of a thousand events a
 * second none has to wake it. */
static const int64_t LINGER = 4 * PE_MILLISECOND;
static const int64_t LOOK = PE_MILLISECOND;

/* Takes over what the owner asked for. Returns by when the sender is to be done. */
static int64_t obey(pe_sender *sender, int64_t now) {
  pe_inbox_content content = pe_inbox_take(&sender->inbox);
  if (content.credentials || content.submissions)
    sender->way->class->take(sender->way, content.credentials, content.submissions, now);
  return content.finish_by;
}

/* Tells the queue what has changed. Returns how it is now. */
static pe_transport_view publish(pe_sender *sender, int64_t now) {
  pe_transport_view view = sender->way->class->look(sender->way, now);
  if (view.paused != sender->paused) pe_queue_pause(sender->config.queue, view.paused, now);
  if (view.state != sender->state) pe_queue_set_state(sender->config.queue, view.state);
  sender->paused = view.paused;
  sender->state = view.state;
  return view;
}

/* Until when there is nothing to do unless a transfer moves or somebody wakes us. Waking us costs the program more than
 * handing over an event does: after work we look again by ourselves before we say that we sleep. */
static int64_t next_work(const pe_sender *sender, const pe_transport_view *view, int64_t now) {
  bool lingers = now < sender->linger_until;
  int64_t (*ask)(pe_queue *, pe_pick, int64_t, int64_t) = lingers ? pe_queue_next : pe_queue_sleep;
  int64_t next = ask(sender->config.queue, view->pick, view->begin_at, now);
  if (view->next < next) next = view->next;
  if (sender->ends.spool && pe_spool_next(sender->ends.spool) < now) next = now; /* there is more on disk */
  return lingers && now + LOOK < next ? now + LOOK : next;
}

/* Whether a sender that is to finish has nothing more to do in the time that it has. */
static bool is_finished(const pe_transport_view *view, int64_t finish_by, int64_t next, int64_t now) {
  if (now >= finish_by) return true;
  return finish_by != INT64_MAX && !view->busy && next >= finish_by;
}

/* Sleeps for a time, unless a submission was handed over meanwhile. */
static void rest(pe_sender *sender, int64_t nanoseconds) {
  bool may_rest = pe_inbox_rest(&sender->inbox);
  pe_worker_rest(&sender->worker);
  if (may_rest && nanoseconds > 0) sender->way->class->wait(sender->way, nanoseconds);
  pe_worker_resume(&sender->worker);
}

/* Moves on everything that moves. */
static void work(pe_sender *sender, int64_t now) {
  pe_transport *way = sender->way;
  (void)pe_ends_give_up(&sender->ends, now);
  if (way->class->begin(way, now)) sender->linger_until = now + LINGER;
  if (way->class->run(way, now)) sender->linger_until = now + LINGER;
  if (sender->ends.spool) pe_spool_run(sender->ends.spool, pe_clock_monotonic());
}

static void deliver(pe_sender *sender) {
  for (;;) {
    int64_t now = pe_clock_monotonic();
    int64_t finish_by = obey(sender, now);
    pe_transport_view view;
    int64_t next;
    (void)publish(sender, now);
    work(sender, now);
    now = pe_clock_monotonic();
    view = publish(sender, now);
    pe_queue_attend(sender->config.queue, now);
    next = next_work(sender, &view, now);
    if (is_finished(&view, finish_by, next, now)) return;
    if (sender->ends.spool && pe_spool_next(sender->ends.spool) < next) next = pe_spool_next(sender->ends.spool);
    if (next > finish_by) next = finish_by;
    rest(sender, next - now);
  }
}

/* What was withdrawn is not left on disk for the next process to send: what is there alone, and what earlier ones have
 * left. */
static void end_withdrawn(pe_sender *sender) {
  int64_t withdrawn_at;
  (void)pe_queue_is_serving(sender->config.queue, &withdrawn_at);
  if (!sender->ends.spool || withdrawn_at == INT64_MIN) return;
  do
    pe_spool_run(sender->ends.spool, pe_clock_monotonic());
  while (pe_ends_give_up(&sender->ends, pe_clock_monotonic()));
}

/* Nobody writes what is accepted from now on. At the end of a process there may be an owner that tracks, or waits. */
static void end_spool(pe_sender *sender) {
  if (!sender->ends.spool) return;
  pe_spool_free(sender->ends.spool);
  sender->ends.spool = NULL;
  pe_queue_close(sender->config.queue);
  pe_queue_set_spooling(sender->config.queue, false);
}

/* What is in flight stays pending, unless it was withdrawn. Submissions are answered, and connections closed, on the
 * thread that used them. */
void pe_sender_run(pe_worker *worker) {
  pe_sender *sender = (pe_sender *)worker;
  pe_transport *way = sender->way;
  deliver(sender);
  way->class->cancel(way, pe_clock_monotonic());
  end_withdrawn(sender);
  end_spool(sender);
  way->class->take(way, NULL, pe_inbox_close(&sender->inbox), pe_clock_monotonic());
  way->class->close(way, pe_clock_monotonic());
}
