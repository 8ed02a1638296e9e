#include "redis/redis_tls.h"

#ifdef PE_HAVE_REDIS_TLS

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE does it there */
#endif

/* Nothing is shared between two: a fork at any moment leaves no lock of theirs behind. */
struct pe_redis_tls {
  int socket;
  int number; /* errno of the last call on it; 0: none */
  BIO_METHOD *method;
  SSL_CTX *context;
  SSL *ssl;
  char why[200];
};

bool pe_redis_tls_is_there(void) {
  return true;
}

/* ---- the socket, without signals ---- */

/* `again`: what BIO is to do where there is nothing to do now. */
static int note(BIO *bio, ssize_t count, int again) {
  int number = count < 0 ? errno : 0;
  ((pe_redis_tls *)BIO_get_data(bio))->number = number;
  BIO_clear_retry_flags(bio);
  if (number == EAGAIN || number == EWOULDBLOCK || number == EINTR) BIO_set_flags(bio, again | BIO_FLAGS_SHOULD_RETRY);
  return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
  const pe_redis_tls *tls = BIO_get_data(bio);
  return note(bio, send(tls->socket, bytes, (size_t)size, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static int bio_read(BIO *bio, char *bytes, int size) {
  const pe_redis_tls *tls = BIO_get_data(bio);
  return note(bio, recv(tls->socket, bytes, (size_t)size, 0), BIO_FLAGS_READ);
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

/* Returns false when there is no memory. */
static bool set_bio(pe_redis_tls *tls) {
  BIO *bio = NULL;
  tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "postevent");
  if (!tls->method || !BIO_meth_set_write(tls->method, bio_write) || !BIO_meth_set_read(tls->method, bio_read) ||
      !BIO_meth_set_ctrl(tls->method, bio_control))
    return false;
  bio = BIO_new(tls->method);
  if (!bio) return false;
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl, bio, bio); /* takes it */
  return true;
}

/* ---- who is trusted, and who we are ---- */

static BIO *open_pem(pe_redis_pem pem) {
  return BIO_new_mem_buf(pem.data, (int)pem.size);
}

static bool trust(SSL_CTX *context, pe_redis_pem authorities) {
  BIO *bio = NULL;
  STACK_OF(X509_INFO) *list = NULL;
  int added = 0;

  if (authorities.size == 0) return SSL_CTX_set_default_verify_paths(context) == 1;
  bio = open_pem(authorities);
  list = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
  for (int i = 0; list && i < sk_X509_INFO_num(list); i++) {
    X509 *each = sk_X509_INFO_value(list, i)->x509;
    if (each) added += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), each);
  }
  sk_X509_INFO_pop_free(list, X509_INFO_free);
  BIO_free(bio);
  return added > 0;
}

/* The first one is ours, those behind it lead to an authority. */
static bool show(SSL_CTX *context, pe_redis_pem certificates) {
  BIO *bio = open_pem(certificates);
  X509 *each = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
  bool good = each && SSL_CTX_use_certificate(context, each) == 1;

  X509_free(each);
  while (good && (each = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
    good = SSL_CTX_add1_chain_cert(context, each) == 1;
    X509_free(each);
  }
  BIO_free(bio);
  return good;
}

/* Without one OpenSSL would ask for it on the terminal. */
static int give_password(char *to, int size, int writes, void *user) {
  const char *password = user;
  int length = password ? (int)strlen(password) : -1;
  (void)writes;
  if (length < 0 || length > size) return -1;
  memcpy(to, password, (size_t)length);
  return length;
}

static bool sign(SSL_CTX *context, pe_redis_pem key, const char *password) {
  BIO *bio = open_pem(key);
  EVP_PKEY *found = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_password, (void *)password) : NULL;
  bool good = found && SSL_CTX_use_PrivateKey(context, found) == 1;
  EVP_PKEY_free(found);
  BIO_free(bio);
  return good;
}

/* Returns NULL; or what will not do. */
static const char *set_files(SSL_CTX *context, const pe_redis_tls_config *config) {
  if (!trust(context, config->authorities)) return "tls.ca_file, tls.ca_path: no certificate that can be read";
  if (config->certificate.size == 0) return NULL;
  if (!show(context, config->certificate)) return "tls.cert_file: no certificate that can be read";
  if (!sign(context, config->key.size > 0 ? config->key : config->certificate, config->key_password))
    return "tls.key_file, tls.key_password: not the certificate's key, or it cannot be read";
  return NULL;
}

/* ---- its life ---- */

static SSL_CTX *new_context(bool verify) {
  SSL_CTX *made = SSL_CTX_new(TLS_client_method());
  if (!made) return NULL;
  (void)SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  (void)SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION);
  (void)SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  (void)SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(made, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
  return made;
}

/* An address is compared as one, and is no name to ask for. */
static bool set_host(SSL *ssl, const char *host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1) return true;
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static pe_error fill(pe_redis_tls *tls, const pe_redis_tls_config *config, const char *host, const char **why) {
  *why = pe_error_text(PE_NO_MEMORY);
  tls->context = new_context(config->verify);
  if (!tls->context) return PE_NO_MEMORY;
  *why = set_files(tls->context, config);
  if (*why) return PE_TLS;
  *why = pe_error_text(PE_NO_MEMORY);
  tls->ssl = SSL_new(tls->context);
  if (!tls->ssl || !set_host(tls->ssl, host) || !set_bio(tls)) return PE_NO_MEMORY;
  SSL_set_connect_state(tls->ssl);
  return PE_OK;
}

pe_error pe_redis_tls_new(const pe_redis_tls_config *config, const char *host, int socket, pe_redis_tls **tls,
                          const char **why) {
  pe_redis_tls *made = calloc(1, sizeof *made);
  pe_error error;

  *why = pe_error_text(PE_NO_MEMORY);
  if (!made) return PE_NO_MEMORY;
  made->socket = socket;
  (void)ERR_set_mark(); /* the list of errors is the thread's, and perhaps the program's */
  error = fill(made, config, host, why);
  (void)ERR_pop_to_mark();
  if (error != PE_OK) {
    pe_redis_tls_free(made);
    return error;
  }
  *tls = made;
  return PE_OK;
}

void pe_redis_tls_free(pe_redis_tls *tls) {
  if (!tls) return;
  SSL_free(tls->ssl);
  SSL_CTX_free(tls->context);
  BIO_meth_free(tls->method);
  free(tls);
}

/* ---- what was wrong ---- */

static const char *words_for(long verified) {
  switch (verified) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is for another name";
  case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate has expired";
  case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet";
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "no authority that is trusted has signed its certificate";
  default: return "its certificate will not do";
  }
}

/* What it says of our certificate; NULL: nothing. */
static const char *words_for_alert(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
  case SSL3_AD_BAD_CERTIFICATE:
  case SSL3_AD_UNSUPPORTED_CERTIFICATE:
  case SSL3_AD_CERTIFICATE_REVOKED:
  case SSL3_AD_CERTIFICATE_EXPIRED:
  case SSL3_AD_CERTIFICATE_UNKNOWN:
  case TLS1_AD_UNKNOWN_CA: return "it does not accept the certificate that it was shown";
  case TLS13_AD_CERTIFICATE_REQUIRED: return "it wants a certificate to be shown";
  default: return NULL;
  }
}

/* Of what OpenSSL has noted last. */
static void explain(pe_redis_tls *tls, unsigned long noted) {
  long verified = SSL_get_verify_result(tls->ssl);
  const char *reason = ERR_reason_error_string(noted);

  if (ERR_GET_LIB(noted) == ERR_LIB_SSL && ERR_GET_REASON(noted) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    (void)snprintf(tls->why, sizeof tls->why, "%s (%s)", words_for(verified), X509_verify_cert_error_string(verified));
  else if (ERR_GET_LIB(noted) == ERR_LIB_SSL && ERR_GET_REASON(noted) == SSL_R_WRONG_VERSION_NUMBER)
    (void)snprintf(tls->why, sizeof tls->why, "what answers on this port speaks no TLS");
  else if (ERR_GET_LIB(noted) == ERR_LIB_SSL && words_for_alert(ERR_GET_REASON(noted)))
    (void)snprintf(tls->why, sizeof tls->why, "%s (%s)", words_for_alert(ERR_GET_REASON(noted)), reason);
  else
    (void)snprintf(tls->why, sizeof tls->why, "TLS failed: %s", reason ? reason : "for a reason that has no name");
}

/* What a call that did not succeed leaves: 0 where the connection was closed, else -1 and errno. */
static ssize_t fail(pe_redis_tls *tls, int result) {
  unsigned long noted = ERR_peek_last_error();

  switch (SSL_get_error(tls->ssl, result)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
  case SSL_ERROR_ZERO_RETURN: return 0;
  case SSL_ERROR_SYSCALL: errno = tls->number; return tls->number == 0 ? 0 : -1;
  default:
    explain(tls, noted);
    errno = EPROTO;
    return -1;
  }
}

/* ---- moving bytes ---- */

/* SSL_get_error reads the thread's list of errors, which must be empty before each call; it is a thread of ours. */
static void begin(pe_redis_tls *tls) {
  ERR_clear_error();
  tls->number = 0;
}

pe_redis_hello pe_redis_tls_greet(pe_redis_tls *tls) {
  ssize_t left;
  int result;

  begin(tls);
  result = SSL_do_handshake(tls->ssl);
  left = result == 1 ? 1 : fail(tls, result);
  ERR_clear_error();
  if (left == 1) return PE_REDIS_HELLO_DONE;
  if (left < 0 && errno == EAGAIN) return PE_REDIS_HELLO_WAITS;
  if (tls->why[0] == '\0')
    (void)snprintf(tls->why, sizeof tls->why, "it ended the connection at the first word of TLS%s%s",
                   left < 0 ? ": " : "", left < 0 ? strerror(errno) : "");
  return PE_REDIS_HELLO_FAILED;
}

ssize_t pe_redis_tls_send(pe_redis_tls *tls, const char *bytes, size_t size) {
  size_t count = 0;
  int result;

  begin(tls);
  result = SSL_write_ex(tls->ssl, bytes, size, &count);
  if (result == 1) return (ssize_t)count;
  if (fail(tls, result) == 0) errno = EPIPE;
  return -1;
}

ssize_t pe_redis_tls_receive(pe_redis_tls *tls, char *bytes, size_t size) {
  size_t count = 0;
  int result;

  begin(tls);
  result = SSL_read_ex(tls->ssl, bytes, size, &count);
  return result == 1 ? (ssize_t)count : fail(tls, result);
}

bool pe_redis_tls_writes(const pe_redis_tls *tls) {
  return SSL_want_write(tls->ssl);
}

const char *pe_redis_tls_why(const pe_redis_tls *tls) {
  return tls->why;
}

#else /* a build without it: none is made, and the rest is never called */

#pragma GCC diagnostic ignored "-Wunused-parameter"

bool pe_redis_tls_is_there(void) {
  return false;
}
pe_error pe_redis_tls_new(const pe_redis_tls_config *config, const char *host, int socket, pe_redis_tls **tls,
                          const char **why) {
  *why = "rediss:// is not spoken by this build";
  return PE_TLS;
}
void pe_redis_tls_free(pe_redis_tls *tls) {}
pe_redis_hello pe_redis_tls_greet(pe_redis_tls *tls) {
  return PE_REDIS_HELLO_FAILED;
}
ssize_t pe_redis_tls_send(pe_redis_tls *tls, const char *bytes, size_t size) {
  return -1;
}
ssize_t pe_redis_tls_receive(pe_redis_tls *tls, char *bytes, size_t size) {
  return -1;
}
bool pe_redis_tls_writes(const pe_redis_tls *tls) {
  return false;
}
const char *pe_redis_tls_why(const pe_redis_tls *tls) {
  return "";
}

#endif
