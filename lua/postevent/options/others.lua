-- What other clients call what is an option here, so that a hint can name it. Simplified: without blanks and
-- underscores, in small letters.

-- Wherever they stand.
local ANYWHERE = {
  url = [[endpoint endpointurl baseurl uri address server serverurl host hostname domain port webhook webhookurl apiurl
    apihost apiendpoint target targeturl dsn ingestionurl collectorurl]],
  authorization = [[auth basicauth apikey apitoken token accesstoken authtoken bearer bearertoken writekey credentials
    authheader authorizationheader]],
  user = "username login userlogin basicuser",
  password = "pass passwd pwd userpass userpassword basicpassword",
  headers = "header customheaders extraheaders defaultheaders httpheaders requestheaders",
  timeout = "requesttimeout readtimeout writetimeout responsetimeout sendtimeout posttimeout httptimeout maxtime",
  connect_timeout = "connectiontimeout conntimeout connecttime",
  attempts = [[retries maxretries retrycount numretries numberofretries maxattempts retryattempts attemptcount tries
    maxtries retrylimit retrymax retrytimes]],
  proxy = "httpproxy httpsproxy proxies proxyurl proxyhost proxyserver",
  http_version = "http2 httpprotocol",
  allow_http = "allowplaintext allowinsecurehttp allowplainhttp",
  accept_codes = "acceptedcodes successcodes okcodes statuscodes",
  max_event_bytes = "maxeventsize maxbodysize maxbody maxbodybytes maxpayload maxpayloadsize maxmessagesize",
  definitions = "schema schemas eventdefinitions definition definitionsfile schemafile",
  validation = "validate strict validateevents",
  common = [[defaults defaultattributes defaultproperties globalattributes globalproperties globals commonattributes
    superproperties extra attributes properties context tags metadata]],
  stamp = "timestamp timestamps autotimestamp addtimestamp",
  id_attribute = "eventid idfield idempotencykey messageid insertid dedupekey deduplicationkey uniqueid",
  before_send = "beforetrack beforepost onsend transform filter middleware hook hooks processor preprocess",
  mode = "enabled disabled disable dryrun test testmode testing",
  log = "logger loglevel debug verbose logfunction onlog logging",
  max_in_flight = [[concurrency maxconcurrency maxconcurrent concurrent parallel parallelism inflight
    maxinflightrequests maxinflightevents maxrequestsinflight maxparallel workers numworkers workercount threads
    numthreads poolsize connections maxconnections connectionpoolsize maxconnectionsperhost]],
  results = "maxresults resultssize resultbuffer",
  max_posts = "maxpendingposts",
  drain = "draintimeout",
  queue = "maxqueue buffer",
  ["queue.max_events"] = [[queuesize maxqueuesize maxqueuelength queuelength queuelimit queuecapacity capacity
    buffersize maxbuffer maxbuffersize bufferlimit maxpending pendinglimit]],
  ["queue.max_bytes"] = "maxbytes maxmemory memorylimit queuebytes bufferbytes maxqueuebytes buffermemory",
  ["queue.overflow"] = "overflow overflowpolicy overflowstrategy onoverflow onfull queuefull dropoldest dropstrategy",
  ["retry.initial"] = [[initialbackoff minbackoff backoffinitial backoffmin backoffbase initialdelay retrydelay
    retrywait retryinterval retrybackoff minretrydelay initialretrydelay initialinterval backoff]],
  ["retry.max"] = "maxbackoff backoffmax maxdelay maxretrydelay maxretryinterval retrydelaymax maxretrywait",
  ["retry.max_age"] = "maxage ttl timetolive expiry expires expiration eventttl messagettl deliverytimeout maxeventage",
  ["rate_limit.per_second"] = [[rate rps qps tps throttle maxrate maxrps maxqps eventspersecond requestspersecond
    maxeventspersecond maxrequestspersecond ratepersecond persec eventrate]],
  tls = "ssl ssloptions tlsoptions https",
  ["tls.verify"] = [[verifypeer verifyssl sslverify verifytls verifyhost verifycert verifycertificate sslverifypeer
    insecure insecureskipverify skipverify skiptlsverify rejectunauthorized strictssl]],
  ["tls.ca_file"] = "ca cafile cacert cacerts cabundle cacertfile castore rootca trustedca trustedcertificates cainfo",
  ["tls.ca_path"] = "capath cadir cadirectory",
  ["tls.cert_file"] = "cert certfile certificate clientcert clientcertificate sslcert certpath certificatefile",
  ["tls.key_file"] = "keyfile clientkey sslkey privatekey keypath privatekeyfile",
  ["tls.key_password"] = "keypass keypasswd passphrase keypassphrase sslkeypassword",
  spool = "persistence persist persistent disk diskqueue durable",
  ["spool.path"] = [[spooldir spooldirectory spoolpath diskpath queuedir queuepath queuedirectory storagepath datadir
    persistencepath persistpath bufferdir bufferpath cachedir]],
  ["spool.sync"] = "fsync",
  relay = "redis",
  ["relay.url"] = "redisurl redishost redisaddress redisserver",
  ["relay.stream"] = "streamname streamkey redisstream",
  ["relay.max_length"] = "maxlen streammaxlen streammaxlength",
}

-- Near to an option, or in the words of one, and none all the same.
ANYWHERE.NOTHING = [[path dir directory file delay pool max min limit size required id userid customerid accountid appid
  clientid key secret time http version format compression contenttype interval flushinterval batchsize maxbatchsize
  release stats agent project maxsize wait ts]]

-- What they are in a group; NOTHING of it where they are none there.
local INSIDE = {
  queue = {
    NOTHING = "enabled enable",
    max_events = "max size maxsize limit capacity length maxlength maxlen events count maxitems depth",
    max_bytes = "bytes memory maxmemory membytes",
    overflow = "policy strategy mode onfull full whenfull block onoverflow drop dropoldest",
    wait = "timeout maxwait waittimeout",
    ["spool.path"] = "path dir directory file disk persist",
  },
  retry = {
    NOTHING = "enabled enable jitter factor multiplier",
    attempts = "count retries maxretries maxattempts tries maxtries times limit retrycount",
    initial = "delay initialdelay basedelay base min mindelay interval initialinterval backoff wait",
    max = "maxdelay maxbackoff maxinterval cap maxwait",
    max_age = "ttl deadline timeout maxtime maxelapsed maxelapsedtime maxduration giveup expire expires",
  },
  rate_limit = {
    NOTHING = "enabled interval per period",
    per_second = [[max limit requests events maxrequests maxevents tokens value persec second perminute
      attempts maxpersecond number]],
    burst = "burstsize maxburst capacity bucket bucketsize size",
  },
  tls = {
    NOTHING = "enabled hostname host servername version minversion ciphers",
    key_password = "password pass passwd",
    ca_file = "ca cafile bundle root roots trusted",
    cert_file = "cert certificate client",
    key_file = "key private",
    verify = "skip check verification",
  },
  spool = {
    NOTHING = "enabled mode type",
    path = "dir directory file folder location filename database",
    max_bytes = "size maxsize limit bytes max",
    max_age = "ttl age expire expires retention",
    sync = "syncmode durability",
    dead_letters = "dead deadletter deadletterqueue dlq",
  },
  relay = {
    NOTHING = "enabled mode",
    url = "host hostname port server address db database user username password pass auth uri redis",
    stream = "key name queue topic channel list",
    max_length = "max limit size maxsize length maxevents",
    wait_replicas = "replicas minreplicas acks",
  },
}

-- name -> option, of option -> names.
local function turn(list)
  local by_name = {}
  for option, names in pairs(list) do
    for name in names:gmatch("%S+") do
      by_name[name] = option ~= "NOTHING" and option
    end
  end
  return by_name
end

local others = { anywhere = turn(ANYWHERE), inside = {} }

for group, list in pairs(INSIDE) do
  others.inside[group] = turn(list)
end

-- anywhere: name -> the full name of the option, or false where there is none; inside: group -> name -> a field of the
-- group, the full name of an option elsewhere, or false.
return others
