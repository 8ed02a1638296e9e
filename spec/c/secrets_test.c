/* What a server may quote of the credentials, in any encoding, and what is no secret. */
#include "http/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static pe_secrets *secrets, *of_plan;

/* What is left of the text. */
static const char *hide(const char *text) {
  static char copy[1024];
  (void)snprintf(copy, sizeof copy, "%s", text);
  copy[pe_secrets_hide(secrets, copy, strlen(copy))] = '\0';
  return copy;
}

static void with(const char *authorization, const char *user, const char *password, const char *proxy) {
  pe_secrets_free(secrets);
  pe_secrets_free(of_plan);
  of_plan = pe_secrets_new_of_plan(NULL, 0, proxy, NULL);
  secrets = pe_secrets_new((pe_http_credentials){authorization, user, password}, of_plan);
  assert_non_null(secrets);
}

static void with_header(const char *line) {
  pe_secrets_free(secrets);
  secrets = pe_secrets_new_of_plan(&line, 1, NULL, NULL);
  assert_non_null(secrets);
}

static void a_header_and_what_is_in_it(void **state) {
  (void)state;
  with("Basic dXNlcjp3b25kZXIvIiA=", NULL, NULL, NULL); /* user:wonder/"  */
  assert_string_equal(hide("bad: Basic dXNlcjp3b25kZXIvIiA=."), "bad: ***.");
  assert_string_equal(hide("bad: dXNlcjp3b25kZXIvIiA="), "bad: ***");
  assert_string_equal(hide("bad: dXNlcjp3b25kZXIvIiA=\r\n\r\nbody"), "bad: ***\r\n\r\nbody");
  assert_string_equal(hide("bad: dXNlcjp3b25kZXI=\r\nvIiA=\n"), "bad: ***=\n");
  assert_string_equal(hide("BASIC DXNLCJP3B25KZXIVIIA"), "BASIC ***");
  assert_string_equal(hide("user:wonder/\" "), "***");
  assert_string_equal(hide("user and wonder/\" !"), "*** and ***!");
}

static void a_token_whatever_is_in_it(void **state) {
  static const char *const tokens[] = {
      "sk_live_4242424242=1", "AbCd1234=EfGh5678", "jwt.part.sig=A", "t\xc3\xb6k\xc3\xa9n=x",     "a=b=c=d=e",
      "abcdefgh==",           "=abcdefgh",         "user:pass=word", "longsecretlonglong=x,more", "part1part1=x;y=3"};
  char header[64];
  (void)state;
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
    (void)snprintf(header, sizeof header, "Bearer %s", tokens[i]);
    with(header, NULL, NULL, NULL);
    assert_string_equal(hide(tokens[i]), "***");
    (void)snprintf(header, sizeof header, "Bearer  %s", tokens[i]);
    with(header, NULL, NULL, NULL);
    assert_string_equal(hide(tokens[i]), "***");
  }
}

/* A server may leave out the beginning of what it quotes, or the end, or both. */
static void what_was_cut(void **state) {
  static const char secret[] = "sk_live_0a1B2c3D4e5F6g7H8i9J";
  char piece[sizeof secret];
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    if (kind == 0) with("Bearer sk_live_0a1B2c3D4e5F6g7H8i9J", NULL, NULL, NULL);
    if (kind == 1) with(NULL, "user", secret, NULL);
    if (kind == 2) with_header("X-Api-Key: sk_live_0a1B2c3D4e5F6g7H8i9J");
    for (size_t from = 0; from + 12 < sizeof secret; from++)
      for (size_t size = 12; from + size < sizeof secret; size++) {
        (void)snprintf(piece, sizeof piece, "%.*s", (int)size, secret + from);
        assert_string_equal(hide(piece), "***");
      }
  }
  with(NULL, "somebody@example.com", "secret", NULL);
  assert_string_equal(hide("no such address: other@example.com"), "no such address: other@example.com");
}

static void every_writing(void **state) {
  static const char *const forms[] = {
      "p\xc3\xa4ss &1",                   /* as it is */
      "P\xc3\x84SS &1",                   /* in capitals */
      "p\xe4ss &1",                       /* in Latin-1 */
      "p%C3%a4ss%20%261",                 /* RFC 3986 */
      "p%c3%a4ss+%261",                   /* of forms */
      "p%E4ss%20%261",                    /* of Latin-1 */
      "p%25C3%25A4ss%2520%25261",         /* twice */
      "%2525%37%30%25C3%25A4ss+%26amp;1", /* three layers, of which one is of another */
      "p%u00e4ss%20%261",                 /* JavaScript's escape() */
      "p\\u00c3\\u00A4ss \\u00261",       /* JSON, by bytes */
      "p\\u00e4ss \\u00261",              /* JSON, by characters */
      "p\\u{e4}ss \\u{0026}1",            /* JavaScript */
      "p\\U000000e4ss &1",                /* Python */
      "p\\xc3\\xa4ss\\x20&1",             /* C */
      "p\\xe4ss\\x20&1",                  /* C, of Latin-1 */
      "\\160\\303\\244ss\\040\\0461",     /* octal */
      "p&#195;&#xa4;ss &amp;1",           /* HTML, by bytes */
      "p&#228;ss &amp;1",                 /* HTML */
      "p&#Xe4;ss &#38;1",                 /* HTML */
      "p&auml;ss &amp;1",                 /* HTML */
      "p&amp;auml;ss &amp;amp;1",         /* twice */
      "70c3a47373202631",                 /* hexadecimal */
      "70C3A47373202631",                 /**/
      "70:c3:a4:73:73:20:26:31",          /**/
      "70 C3 A4 73 73 20 26 31",          /**/
      "0x70, 0xc3, 0xa4, 0x73, 0x73, 0x20, 0x26, 0x31",
      "\\70\\c3\\a4\\73\\73\\20\\26\\31", /* CSS */
      "112,195,164,115,115,32,38,49",     /* an array */
      "160 303 244 163 163 040 046 061",  /* od */
      "1& ss\xc3\xa4p",                   /* reversed */
      "cMOkc3MgJjE",                      /* base64 */
      "cMOkc3Mg\nJjE",                    /* wrapped */
      "cORzcyAmMQ",                       /* of Latin-1 */
      "\\p\xc3\xa4s\\s &1",
  };
  char text[160];
  (void)state;
  with(NULL, "someone", "p\xc3\xa4ss &1", NULL);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    (void)snprintf(text, sizeof text, "<%s>", forms[i]);
    if (i == 7)
      assert_null(strstr(hide(text), "ss"));
    else
      assert_string_equal(hide(text), i == 26 ? "<\\***>" : "<***>");
  }
  assert_string_equal(hide("c29tZW9uZTpww6RzcyAmMQ=="), "***==");        /* of both, as it was sent */
  assert_string_equal(hide("eyJwIjoicMOkc3MgJjEifQ"), "eyJwIjoi***ifQ"); /* {"p":"..."} */
}

/* F1: who takes UTF-8 for Latin-1 or Windows-1252 and writes UTF-8 again, or cannot read it. */
static void what_another_charset_makes_of_it(void **state) {
  static const char *const forms[] = {
      "p\xc3\x83\xc2\xa4\xc3\x83\xc2\x9c \xc3\xa2\xc2\x82\xc2\xac&1",     /* by Latin-1 */
      "P\xc3\x83\xc2\xa4\xc3\x83\xc2\x9c \xc3\x82\xc2\x82\xc2\xac&1",     /* in capitals */
      "p\xc3\x83\xc2\xa4\xc3\x83\xc5\x93 \xc3\xa2\xe2\x80\x9a\xc2\xac&1", /* by Windows-1252 */
      "p\xe4\xdc \x80&1",                                                 /* in Windows-1252 */
      "p%C3%83%C2%A4%C3%83%C2%9C%20%C3%A2%C2%82%C2%AC%261",               /* Latin-1's, escaped */
      "p%c3%83%c2%a4%c3%83%c5%93+%c3%a2%e2%80%9a%c2%ac%261",              /* that of Windows-1252 */
      "p%25C3%2583%25C2%25A4%25C3%2583%25C2%259C%2520%25C3%25A2%25C2%2582%25C2%25AC%25261",
      "p\\u00c3\\u00a4\\u00c3\\u009c \\u00e2\\u0082\\u00ac\\u00261",
      "p\\u00C3\\u00A4\\u00C3\\u0153 \\u00E2\\u201A\\u00AC\\u00261",
      "p\\xc3\\x83\\xc2\\xa4\\xc3\\x83\\xc2\\x9c \\xc3\\xa2\\xc2\\x82\\xc2\\xac&1",
      "p\\303\\203\\302\\244\\303\\203\\302\\234 \\303\\242\\302\\202\\302\\254&1",
      "p&Atilde;&curren;&Atilde;&oelig; &acirc;&sbquo;&not;&amp;1",
      "p&auml;&Uuml; &euro;&amp;1",
      "p&#195;&#164;&#195;&#156; &#226;&#130;&#172;&#38;1",
      "p&#xC3;&#xA4;&#xC3;&#x153; &#xE2;&#x201A;&#xAC;&#x26;1",
      "p%26Atilde%3B%26curren%3B%26Atilde%3B%26oelig%3B+%26acirc%3B%26sbquo%3B%26not%3B%261",
      "p=C3=A4=C3=9C =E2=82=AC&1",                                    /* quoted-printable */
      "p=c3=83=c2=a4=c3=83=c2=\r\n=9c =c3=a2=c2=82=c2=ac=26=\n1",     /* and wrapped */
      "p=C3=A4=C3=9C_=E2=82=AC=261",                                  /* RFC 2047 */
      "p=E4=DC =80&1",                                                /* of Windows-1252 */
      "p=C3=A4=C3=9C =E2=82=AC&amp;1",                                /* and HTML */
      "p%3DC3%3DA4%3DC3%3D9C%20%3DE2%3D82%3DAC%261",                  /* escaped */
      "70c383c2a4c383c29c20c3a2c282c2ac2631",                         /* in numbers */
      "70:c3:83:c2:a4:c3:83:c5:93:20:c3:a2:e2:80:9a:c2:ac:26:31",     /* of Windows-1252 */
      "[112, 228, 220, 32, 128, 38, 49]",                             /**/
      "cMODwqTDg8KcIMOiwoLCrCYx",                                     /* base64 */
      "cMODwqTDg8WTIMOi4oCawqwmMQ",                                   /* of Windows-1252 */
      "cOTcIIAmMQ",                                                   /**/
      "1&\xc3\xa2\xc2\x82\xc2\xac \xc3\x83\xc2\x9c\xc3\x83\xc2\xa4p", /* its bytes' groups reversed */
      "p\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&1",
      "p\\ufffd\\ufffd \\ufffd&1",
      "p???? ???&1",
      "p?? ?&1",
      "p &1",
  };
  char text[160];
  (void)state;
  with(NULL, "someone", "p\xc3\xa4\xc3\x9c \xe2\x82\xac&1", NULL);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    (void)snprintf(text, sizeof text, "<%s>", forms[i]);
    if (!strstr(hide(text), "***") || strlen(hide(text)) > 7) fail_msg("%s shows as %s", forms[i], hide(text));
  }
}

/* F1: accents, capitals and layers, in any order. */
static void rarer_writings(void **state) {
  static const char *const forms[] = {
      "pa\314\210\303\237e\314\201 U\314\2101",   /* decomposed */
      "P\303\204SS\303\211 \303\2341",            /* in capitals */
      "PA\314\210SSE\314\201 U\314\2101",         /* and decomposed */
      "PASSE U1",                                 /* without accents, as its capitals */
      "p+AOQA3wDp +ANw-1",                        /* UTF-7 */
      "Y01Pa3c1L0RxU0REbkRFPQ==",                 /* twice */
      "WTAxUGEzYzFMMFJ4VTBSRWJrUkZQUT09",         /* thrice */
      "cD8/PyA/MQ==",                             /* of what ASCII has */
      "cD8/Pz8/PyA/PzE=",                         /* by bytes */
      "//5wAOQA3wDpACAA3AAxAA==",                 /* UTF-16 */
      "cADkAN8A6QAgANwAMQA=",                     /* little */
      "AHAA5ADfAOkAIADcADE=",                     /* big */
      "cAAAAOQAAADfAAAA6QAAACAAAADcAAAAMQAAAA==", /* UTF-32 */
      "AAAAcAAAAOQAAADfAAAA6QAAACAAAADcAAAAMQ==",
      "7000e400df00e9002000dc003100", /* hex of UTF-16 */
      "00 70 00 E4 00 DF 00 E9 00 20 00 DC 00 31",
      "cGHMiMOfZcyBIFXMiDE=",                     /* of NFD */
      "cABhAAgD3wBlAAEDIABVAAgDMQA=",             /* UTF-16 of NFD */
      "7061cc88c39f65cc812055cc8831",             /* hex of NFD */
      "pa%CC%88%C3%9Fe%CC%81%20U%CC%881",         /* escaped NFD */
      "pa\\u0308\\u00dfe\\u0301 U\\u03081",       /* JSON of NFD */
      "634d4f6b77352f44715344446e44453d",         /* hex of base64 */
      "NzBjM2E0YzM5ZmMzYTkyMGMzOWMzMQ==",         /* base64 of hex */
      "cCVDMyVBNCVDMyU5RiVDMyVBOSUyMCVDMyU5QzE=", /* of URL's */
      "InBcdTAwZTRcdTAwZGZcdTAwZTkgXHUwMGRjMSI=", /* of JSON */
      "p&auml&szlig&eacute &Uuml1",               /* HTML without ; */
      "p&#228&#223&#233 &Uuml;1",
      "P&AUML;&SZLIG;&EACUTE; &UUML;1",                     /* capitals of HTML */
      "P\\U00E4\\U00DF\\U00E9 \\U00DC1",                    /* capitals of JSON */
      "p\303\244\303\237\303\251 \303\2741",                /* lower of all */
      "pa=CC=88=C3=9Fe=CC=81 U=CC=881",                     /* q-p of NFD */
      "pa%25CC%2588%25C3%259Fe%25CC%2581%2520U%25CC%25881", /* twice percent of NFD */
      "Y01Pa3c1L0RxU0REbkRFPQ%3D%3D",                       /* base64 in URL */
      "Y01Pa3c1L0\015\012RxU0REbkRFPQ==",                   /* base64 lines */
  };
  char text[160];
  (void)state;
  with(NULL, "someone", "p\303\244\303\237\303\251 \303\2341", NULL);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    (void)snprintf(text, sizeof text, "<%s>", forms[i]);
    if (!strstr(hide(text), "***") || strlen(hide(text)) > 13) fail_msg("%s shows as %s", forms[i], hide(text));
  }
}

static void a_secret_that_looks_like_an_escape(void **state) {
  (void)state;
  with(NULL, "someone", "a%41\"b\\u0042-c", NULL);
  assert_string_equal(hide("<a%41\"b\\u0042-c>"), "<***>");
  assert_string_equal(hide("<a%41\\\"b\\\\u0042-c>"), "<***>");
  assert_string_equal(hide("<a%2541%22b%5Cu0042-c>"), "<***>");
  with(NULL, "someone", "k\xe4se\xe4", NULL); /* Latin-1 */
  assert_string_equal(hide("<k\xc3\xa4se\xc3\xa4> <k&auml;se&auml;> <k%e4se%E4>"), "<***> <***> <***>");
  with(NULL, "someone", "12\xe2\x82\xac\xf0\x9f\x98\x80", NULL);
  assert_string_equal(hide("<12\\u20ac\\ud83d\\ude00> <12&#8364;&#x1F600;> <12\\u20AC\\u{1f600}>"),
                      "<***> <***> <***>");
}

static void structured_headers(void **state) {
  (void)state;
  with("Digest username=\"mufasa\", realm=\"api\", nc=00000001, response=\"6629fae49393a053\", opaque=5ccc069c", NULL,
       NULL, NULL);
  assert_string_equal(hide("username mufasa of the api, 6629fae49393a053, 5ccc069c, realm, response, Digest, 00000001"),
                      "username *** of the api, ***, ***, realm, response, Digest, 00000001");
  with("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzb21lb25lIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk", NULL, NULL,
       NULL);
  assert_string_equal(hide("Bearer: dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "Bearer: ***");
  assert_string_equal(hide("not a token: eyJhbGciOiJIUzI1..."), "not a token: ***...");
  assert_string_equal(hide("ZXlKaGJHY2lPaUpJVXpJMU5pSjk="), "***=");
}

static void headers_and_the_query(void **state) {
  const char *url = "https://example.com/hooks/4711?lang=german&api_key=k3yk3yk3y&v=1";
  (void)state;
  with_header("X-Api-Key: 0123456789abcdef");
  assert_string_equal(hide("no key 0123456789ABCDEF here"), "no key *** here");
  with_header("Cookie: session=s3ss10n; lang=german");
  assert_string_equal(hide("session s3ss10n, c3NzMTBu?"), "session ***, c3NzMTBu?");
  with_header("X-Tenant: 4b1f0c3e-77aa-4c40-9f38-2d7cf0f3c2a1");
  assert_string_equal(hide("tenant 4b1f0c3e-77aa-4c40-9f38-2d7cf0f3c2a1"), "tenant ***");
  with_header("X-Tenant: acme");
  assert_string_equal(hide("acme unknown"), "acme unknown");
  with_header("Accept-Language: en-GB, en;q=0.5, and some more");
  assert_string_equal(hide("en-GB, en;q=0.5, and some more"), "en-GB, en;q=0.5, and some more");
  pe_secrets_free(secrets);
  secrets = pe_secrets_new_of_plan(NULL, 0, NULL, url);
  assert_string_equal(hide(url), "https://example.com/hooks/4711?lang=german&api_key=***&v=1");
}

static void what_was_replaced(void **state) {
  pe_secrets *old = pe_secrets_new((pe_http_credentials){"Bearer oldoldold", NULL, NULL}, NULL);
  (void)state;
  with("Bearer newnewnew", NULL, NULL, NULL);
  pe_secrets_follow(secrets, old);
  assert_string_equal(hide("oldoldold newnewnew"), "*** ***");
  pe_secrets_follow(secrets, NULL);
  assert_string_equal(hide("oldoldold newnewnew"), "oldoldold ***");
  pe_secrets_free(old);
}

/* Letters and digits as a person would never write them, with a dot after each `step`, behind a prefix; the caller
 * frees. */
static char *long_text(const char *prefix, size_t step) {
  enum { LONGEST = 65536 }; /* what `new` takes */
  size_t size = strlen(prefix);
  char *text = malloc(LONGEST + 1);
  unsigned seed = 1;
  assert_non_null(text);
  memcpy(text, prefix, size);
  for (; size < LONGEST; size++) {
    seed = seed * 1103515245 + 12345;
    text[size] =
        size % step == 0 ? '.' : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[seed / 65536 % 62];
  }
  text[size] = '\0';
  return text;
}

static void assert_all_hidden(const char *said) {
  size_t size = strlen(said);
  char *text = malloc(size + 1);
  assert_non_null(text);
  memcpy(text, said, size);
  assert_int_equal(pe_secrets_hide(secrets, text, size), 3);
  assert_memory_equal(text, "***", 3);
  free(text);
}

/* As long as `new` takes it. */
static void a_very_long_one(void **state) {
  char *token = long_text("Bearer ", 20000), *basic = long_text("Basic ", 1 << 20), *line = long_text("X-Key: ", 20000);
  (void)state;
  with(token, NULL, NULL, NULL);
  assert_all_hidden(token + 7);
  with(basic, NULL, NULL, NULL);
  assert_all_hidden(basic + 6);
  with_header(line);
  assert_all_hidden(line + 7);
  free(token);
  free(basic);
  free(line);
}

static void a_token_and_a_proxy(void **state) {
  (void)state;
  with("Bearer abc.def-123", NULL, NULL, "http://me%40home:s3cret@127.0.0.1:3128");
  assert_string_equal(hide("token abc.def-123 of me@home with s3cret"), "token *** of *** with ***");
  with("dGVzdF9kaXY2OWZmZmRkYg==", NULL, NULL, ""); /* no scheme */
  assert_string_equal(hide("x dGVzdF9kaXY2OWZmZmRkYg=="), "x ***");
}

static void what_is_no_secret(void **state) {
  static const char text[] = "Event is pushed to transformation state %zz &nosuch; \\";
  (void)state;
  with("Basic dXNlcjp3b25kZXI=", NULL, NULL, NULL);
  assert_string_equal(hide(text), text);
  with(NULL, "a", "", NULL);
  assert_string_equal(hide("a banana"), "a banana"); /* it stands everywhere */
  with(NULL, "an", "dev", NULL);
  assert_string_equal(hide("an:dev is a device, an=dev YW46ZGV2"), "*** is a device, an=*** ***");
  with(NULL, NULL, NULL, NULL);
  assert_string_equal(hide(text), text);
  pe_secrets_free(secrets);
  secrets = NULL;
  assert_string_equal(hide(text), text);
}

static void never_reads_beyond_the_text(void **state) {
  static const char *const cut[] = {"%", "%4", "\\", "\\u", "\\u00", "&", "&#", "&#x", "&#65", "&am", "7", "70c"};
  (void)state;
  with(NULL, "someone", "pass", NULL);
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    size_t size = strlen(cut[i]);
    char *exact = test_malloc(size); /* cmocka guards what lies behind it */
    memcpy(exact, cut[i], size);
    assert_int_equal(pe_secrets_hide(secrets, exact, size), size);
    test_free(exact);
  }
}

/* Whatever it is given, it does not grow, and stays within its bounds. */
static void any_bytes(void **state) {
  static const char alphabet[] = "%\\&#xu{}=;:+ 0012347abcdefpssword\xc3\xa4\xe2\x82\xacqQamp\n";
  unsigned seed = 1;
  (void)state;
  with("Digest a=\"\", b=\"pass\xe2\x82\", c=\"word\xc3\xa4\"", "p\xc3\xa4ss", "a\xe2\x82",
       "http://12%e2:s%25s@127.0.0.1:1");
  for (size_t turn = 0; turn < 20000; turn++) {
    size_t size = turn % 60;
    char *text = test_malloc(size + 1);
    for (size_t i = 0; i < size; i++)
      text[i] = alphabet[(seed = seed * 1103515245 + 12345) / 65536 % (sizeof alphabet - 1)];
    assert_true(pe_secrets_hide(secrets, text, size) <= size);
    test_free(text);
  }
  pe_secrets_free(secrets);
  pe_secrets_free(of_plan);
  secrets = of_plan = NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_header_and_what_is_in_it),
                                     TEST(a_token_whatever_is_in_it),
                                     TEST(what_was_cut),
                                     TEST(every_writing),
                                     TEST(a_very_long_one),
                                     TEST(a_token_and_a_proxy),
                                     TEST(rarer_writings),
                                     TEST(a_secret_that_looks_like_an_escape),
                                     TEST(what_another_charset_makes_of_it),
                                     TEST(structured_headers),
                                     TEST(headers_and_the_query),
                                     TEST(what_was_replaced),
                                     TEST(what_is_no_secret),
                                     TEST(never_reads_beyond_the_text),
                                     TEST(any_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
