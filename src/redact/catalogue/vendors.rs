//! Who gives out keys that look like nothing but random: with their names before it, such a word is one.
//!
//! Left out are those whose keys have a form of their own in `keys` and whose pages, files or commits have ids that look
//! as random: Airtable, Figma, GitHub, Google, Notion and others.

use crate::redact::catalogue::list::List;
use crate::redact::class::Class;

/// The class of what stands behind their names.
pub(crate) const CLASS: Class = Class::Key;

/// In lower case, letters and digits only, in order.
#[rustfmt::skip]
const VENDORS: &List = &List::of(&[
    "ably", "abstractapi", "abuseipdb", "accuweather", "activecampaign", "adafruit", "adafruitio", "adobe", "adyen",
    "aftership", "agora", "airbrake", "airbyte", "aircall", "airship", "airwallex", "aiven", "akamai", "alchemy", "algolia",
    "alibabacloud", "alienvault", "aliyun", "alphavantage", "amadeus", "amplitude", "ankr", "anthropic", "anyscale", "apideck",
    "apify", "apilayer", "apollo", "appcenter", "appdynamics", "appsflyer", "appveyor", "appwrite", "artifactory", "asaas",
    "assemblyai", "auth0", "authorizenet", "autodesk", "aviationstack", "aweber", "axiom", "aylien", "backblaze", "bamboohr",
    "bannerbear", "baseten", "betterstack", "betteruptime", "bigcommerce", "binance", "bingmaps", "bitbucket", "bitfinex",
    "bitget", "bitly", "bitmex", "bitrise", "bitstamp", "bittrex", "blockfrost", "bluesnap", "blynk", "box", "braintree",
    "branchio", "braze", "brevo", "brightcove", "brightdata", "browserless", "browserstack", "bscscan", "bugsnag", "buildkite",
    "bunny", "bunnycdn", "buttercms", "bybit", "calendarific", "calendly", "campaignmonitor", "cashfree", "censys", "cerebras",
    "chainstack", "chargebee", "chargify", "chartmogul", "checkly", "checkoutcom", "checkr", "circleci", "clarifai", "clearbit",
    "clerk", "clevertap", "clickatell", "clicksend", "clickup", "clockify", "cloudamqp", "cloudconvert", "cloudflare",
    "cloudinary", "cloudsmith", "cloudways", "codacy", "codeclimate", "codecov", "codeship", "cohere", "coinapi", "coinbase",
    "coingecko", "coinmarketcap", "cometchat", "conekta", "confluent", "constantcontact", "contentful", "contentstack",
    "convertkit", "coralogix", "courier", "coveo", "coveralls", "crawlbase", "cronitor", "crowdin", "crowdstrike",
    "cryptocompare", "currencyapi", "currencylayer", "customerio", "cybersource", "datadog", "datarobot", "deepgram",
    "deepinfra", "deepl", "deepseek", "deezer", "delighted", "descope", "detectlanguage", "diffbot", "digicert", "digitalocean",
    "dnsimple", "dnspod", "docuseal", "docusign", "doppler", "dotdigital", "dropboxsign", "duffel", "dwolla", "dynatrace",
    "easypost", "ebanx", "ebay", "elasticemail", "elevenlabs", "engagespot", "eodhd", "etherscan", "eventbrite", "everhour",
    "exchangerate", "exoscale", "expensify", "facebook", "facepp", "fastly", "fastspring", "fauna", "fedex", "filestack",
    "fillout", "finage", "finicity", "finnhub", "firecrawl", "fireworksai", "fivetran", "flagsmith", "flickr", "flutterwave",
    "forgejo", "formstack", "foursquare", "freshbooks", "freshdesk", "freshsales", "freshservice", "frontapp", "frontegg",
    "fullcontact", "fullstory", "fusionauth", "gandi", "gemini", "geoapify", "geocodio", "getresponse", "giphy", "gitea",
    "gitguardian", "gladia", "gocardless", "godaddy", "grafana", "gravatar", "greenhouse", "greynoise", "groq", "growthbook",
    "guardianapi", "gumroad", "gupshup", "gusto", "hashicorp", "hasura", "healthchecks", "hellosign", "helpscout", "heroku",
    "hetzner", "heygen", "honeybadger", "honeycomb", "hostinger", "hotjar", "huawei", "huaweicloud", "hubspot", "huggingface",
    "hunter", "hunterio", "huobi", "ibmcloud", "ideogram", "imagekit", "imgix", "imgur", "influxdb", "infobip", "infura",
    "insightly", "instana", "intercom", "intrinio", "ionos", "ip2location", "ipapi", "ipdata", "ipgeolocation", "ipinfo",
    "ipstack", "iterable", "jina", "jinaai", "jotform", "jumpcloud", "jwplayer", "keycdn", "kickbox", "klarna", "klaviyo",
    "kraken", "kucoin", "lago", "langfuse", "langsmith", "lastfm", "launchdarkly", "leadfeeder", "lemlist", "lemonsqueezy",
    "linode", "lithic", "liveagent", "liveblocks", "livechat", "livekit", "lob", "locationiq", "logdna", "loggly", "logrocket",
    "logzio", "lokalise", "looker", "loqate", "luno", "magento", "magicbell", "mailboxlayer", "mailchimp", "mailerlite",
    "mailersend", "mailgun", "mailjet", "mailmodo", "mailosaur", "mailtrap", "mandrill", "mapbox", "mapquest", "marketstack",
    "mattermost", "maxmind", "mediastack", "meilisearch", "meraki", "mercadopago", "messagebird", "messari", "metronome",
    "midtrans", "milvus", "mistral", "mistralai", "mixedbread", "mixpanel", "mollie", "monday", "mondaycom", "moosend",
    "moralis", "msg91", "mux", "namecheap", "nasa", "netlify", "netsuite", "newrelic", "newsapi", "nexmo", "ngrok", "nordigen",
    "novu", "nutritionix", "nuvei", "nvidia", "nylas", "okta", "okx", "omnisend", "onelogin", "onesignal", "onfido", "onfleet",
    "opencage", "openexchangerates", "openrouter", "openweather", "openweathermap", "opsgenie", "optimizely", "ovh", "oxylabs",
    "paddle", "pagerduty", "pandadoc", "papertrail", "parsehub", "pastebin", "paymongo", "payoneer", "paypal", "paystack",
    "paytm", "payu", "pdfmonkey", "pendo", "perplexity", "pexels", "pinata", "pinecone", "pingcap", "pingdom", "pipedrive",
    "pivotaltracker", "pixabay", "plaid", "planetscale", "plivo", "poloniex", "polygonio", "porkbun", "portkey",
    "positionstack", "postageapp", "posthog", "postmark", "prefect", "printful", "printify", "prismic", "proxycrawl", "pubnub",
    "pushbullet", "pusher", "pushover", "qdrant", "qualaroo", "qualtrics", "qualys", "quandl", "quickbooks", "quicknode",
    "rackspace", "railway", "rapid7", "rapidapi", "razorpay", "recharge", "recurly", "reddit", "replicate", "replit", "resend",
    "retool", "ringcentral", "rippling", "roboflow", "rollbar", "rudderstack", "runpod", "salesforce", "saucelabs", "scaleserp",
    "scaleway", "scalr", "scrapedo", "scraperapi", "scrapfly", "scrapingbee", "scrapingdog", "searchapi", "securitytrails",
    "sendbird", "sendgrid", "sendinblue", "sendpulse", "sentry", "serpapi", "serper", "serpstack", "servicenow", "shipengine",
    "shippo", "shipstation", "shodan", "shutterstock", "signalfx", "signalwire", "signnow", "signoz", "sinch", "site24x7",
    "skyscanner", "smartsheet", "smartystreets", "smtp2go", "snipcart", "snyk", "solarwinds", "sonarcloud", "sonarqube",
    "soundcloud", "spacelift", "sparkpost", "speechmatics", "splunk", "spoonacular", "sportradar", "sportsdb", "squadcast",
    "squarespace", "stability", "stabilityai", "stackpath", "statsig", "statuscake", "statuspage", "stigg", "stormglass",
    "storyblok", "strava", "stripe", "stytch", "sumologic", "sumsub", "supabase", "surveymonkey", "swiftype", "synthesia",
    "tailscale", "tatum", "tavily", "teamwork", "telegram", "telnyx", "tenable", "tencent", "tencentcloud", "textmagic",
    "thousandeyes", "ticketmaster", "tiingo", "timekit", "tinify", "tinypng", "tmdb", "todoist", "togetherai", "toggl",
    "tomorrowio", "tomtom", "tradier", "transloadit", "travelpayouts", "travis", "travisci", "truelayer", "trulioo", "turso",
    "twelvedata", "twilio", "twitch", "twitter", "typeform", "typesense", "unifonic", "unsplash", "upcloud", "uploadcare",
    "upstash", "uptimerobot", "urlscan", "userstack", "valueserp", "vapi", "vercel", "veriff", "vimeo", "virustotal",
    "visualcrossing", "vonage", "voyageai", "vultr", "wakatime", "wandb", "weatherapi", "weatherbit", "weatherstack",
    "weaviate", "webex", "webflow", "wise", "wistia", "woocommerce", "wordpress", "workato", "wpengine", "wrike", "xendit",
    "xero", "yandex", "yelp", "yodlee", "youneedabudget", "zapier", "zendesk", "zenefits", "zenrows", "zenscrape", "zenserp",
    "zerobounce", "zerotier", "zhipu", "zhipuai", "zilliz", "zipcodeapi", "zoho", "zoom",
]);

/// Those of them whose keys have the form of a UUID, which is an id where nothing says that it is a key.
pub(crate) const WITH_UUIDS: &[&str] = &[
    "codecov",
    "deepl",
    "heroku",
    "postmark",
    "railway",
    "saucelabs",
    "snyk",
    "splunk",
    "squarespace",
    "wakatime",
];

/// Words for what gives access, in any language, as a name or a sentence ends in them.
pub(crate) const KEY_WORDS: &[&str] = &[
    "anahtar",
    "anahtar\u{131}",
    "apikey",
    "avain",
    "belirteci",
    "chave",
    "cheia",
    "cheie",
    "chiave",
    "clave",
    "cle",
    "cl\u{e9}",
    "credential",
    "credentials",
    "jeton",
    "key",
    "keys",
    "kh\u{f3}a",
    "klucz",
    "kl\u{ed}\u{10d}",
    "kulcs",
    "kunci",
    "llave",
    "nyckel",
    "n\u{f8}gle",
    "n\u{f8}kkel",
    "schluessel",
    "schl\u{fc}ssel",
    "secret",
    "secrets",
    "sleutel",
    "token",
    "tokens",
    "\u{3ba}\u{3bb}\u{3b5}\u{3b9}\u{3b4}\u{3af}",
    "\u{43a}\u{43b}\u{44e}\u{447}",
    "\u{43a}\u{43b}\u{44e}\u{447}\u{430}",
    "\u{442}\u{43e}\u{43a}\u{435}\u{43d}",
    "\u{442}\u{43e}\u{43a}\u{435}\u{43d}\u{430}",
    "\u{5de}\u{5e4}\u{5ea}\u{5d7}",
    "\u{645}\u{641}\u{62a}\u{627}\u{62d}",
    "\u{6a9}\u{644}\u{6cc}\u{62f}",
    "\u{915}\u{941}\u{902}\u{91c}\u{940}",
    "\u{91f}\u{94b}\u{915}\u{928}",
    "\u{30ad}\u{30fc}",
    "\u{30c8}\u{30fc}\u{30af}\u{30f3}",
    "\u{4ee4}\u{724c}",
    "\u{5bc6}\u{9470}",
    "\u{5bc6}\u{94a5}",
    "\u{79d8}\u{94a5}",
    "\u{91d1}\u{9470}",
    "\u{d0a4}",
    "\u{d1a0}\u{d070}",
];

/// Words that say of what stands behind them that it is an id or the hash of something.
#[rustfmt::skip]
pub(crate) const ID_WORDS: &[&str] = &[
    "accessor", "address", "arn", "artifact", "blob", "block", "build", "cache", "channel", "checksum", "commit",
    "container", "cursor", "digest", "doc", "document", "etag", "event", "file", "fingerprint", "folder", "foreign",
    "guid", "hash", "id", "idempotency", "ids", "image", "integrity", "invoice", "job", "layer", "md", "merge",
    "message", "node", "nonce", "object", "order", "page", "partition", "path", "primary", "public", "ref", "request",
    "resource", "rev", "revision", "run", "session", "sha", "signature", "snapshot", "sort", "span", "thumbprint",
    "trace", "transaction", "tree", "tx", "txid", "upload", "url", "urn", "uuid", "version", "volume",
];

/// Words between a vendor and its key.
pub(crate) const FILLERS: &[&str] = &[
    "api",
    "auth",
    "client",
    "init",
    "configure",
    "config",
    "sdk",
    "appid",
    "login",
    "account",
    "rest",
    "setup",
    "connect",
    "authenticate",
    "service",
    "app",
];

/// For the test of all rows.
#[cfg(test)]
pub(crate) const NAMES: &[&str] = VENDORS.words;

/// Whether one keeps repositories, the commits of which look as its keys do.
pub(crate) fn has_commits(vendor: &[u8]) -> bool {
    matches!(vendor, b"bitbucket" | b"forgejo" | b"gitea")
}

/// Whether a word, letters and digits in lower case, is the name of one.
pub(crate) fn is_vendor(word: &[u8]) -> bool {
    VENDORS.has(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    #[test]
    fn the_vendors_and_the_words_for_keys_and_ids_stand_in_order() {
        for list in [VENDORS.words, KEY_WORDS, ID_WORDS] {
            assert_in_order(list);
        }
        assert!(
            is_vendor(b"zoom")
                && is_vendor(b"weaviate")
                && is_vendor(b"abstractapi")
                && !is_vendor(b"notion")
        );
    }
}
