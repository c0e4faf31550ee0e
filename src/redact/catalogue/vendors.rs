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
    "ably", "abstractapi", "abuseipdb", "activecampaign", "adafruit", "adobe", "adyen", "agora", "airbrake", "aircall",
    "airship", "aiven", "alchemy", "algolia", "alienvault", "amadeus", "amplitude", "anthropic", "apify", "apilayer", "apollo",
    "appcenter", "appdynamics", "appsflyer", "appveyor", "artifactory", "asaas", "assemblyai", "auth0", "autodesk",
    "aviationstack", "axiom", "aylien", "bamboohr", "bannerbear", "betterstack", "betteruptime", "bigcommerce", "binance",
    "bingmaps", "bitbucket", "bitfinex", "bitly", "bitmex", "bitrise", "bittrex", "bluesnap", "blynk", "box", "braintree",
    "branchio", "braze", "brevo", "brightdata", "browserless", "browserstack", "bugsnag", "buildkite", "bunny", "bunnycdn",
    "buttercms", "calendarific", "calendly", "campaignmonitor", "censys", "chargebee", "chargify", "chartmogul", "checkr",
    "circleci", "clearbit", "clerk", "clickatell", "clicksend", "clickup", "clockify", "cloudamqp", "cloudconvert",
    "cloudflare", "cloudinary", "cloudsmith", "cloudways", "codacy", "codeclimate", "codecov", "codeship", "cohere", "coinapi",
    "coinbase", "coinmarketcap", "confluent", "contentful", "contentstack", "convertkit", "coralogix", "coveralls", "cronitor",
    "crowdin", "crowdstrike", "cryptocompare", "currencylayer", "customerio", "datadog", "datarobot", "deepgram", "deepl",
    "deepseek", "delighted", "detectlanguage", "digicert", "digitalocean", "docusign", "doppler", "dotdigital", "duffel",
    "dwolla", "dynatrace", "easypost", "ebay", "elasticemail", "elevenlabs", "eventbrite", "everhour", "exchangerate",
    "exoscale", "facebook", "facepp", "fastly", "fastspring", "filestack", "finage", "finicity", "finnhub", "flickr",
    "flutterwave", "formstack", "foursquare", "freshbooks", "freshdesk", "freshsales", "freshservice", "fullcontact",
    "fullstory", "gemini", "geoapify", "geocodio", "getresponse", "giphy", "gitguardian", "gocardless", "godaddy", "gravatar",
    "greenhouse", "greynoise", "groq", "guardianapi", "gumroad", "hashicorp", "hasura", "healthchecks", "helpscout", "heroku",
    "hetzner", "honeybadger", "honeycomb", "hubspot", "huggingface", "hunter", "hunterio", "ibmcloud", "imgur", "influxdb",
    "infobip", "infura", "insightly", "instana", "intercom", "intrinio", "ipapi", "ipdata", "ipgeolocation", "ipinfo",
    "ipstack", "iterable", "jotform", "jumpcloud", "keycdn", "kickbox", "klarna", "klaviyo", "kraken", "kucoin", "lago",
    "langsmith", "launchdarkly", "leadfeeder", "lemlist", "lemonsqueezy", "linode", "liveagent", "liveblocks", "livechat",
    "livekit", "lob", "logdna", "loggly", "logzio", "lokalise", "looker", "luno", "magento", "magicbell", "mailboxlayer",
    "mailchimp", "mailerlite", "mailgun", "mailjet", "mailmodo", "mailtrap", "mandrill", "mapbox", "mapquest", "marketstack",
    "mattermost", "maxmind", "mediastack", "meraki", "messagebird", "metronome", "mistral", "mixedbread", "mixpanel", "mollie",
    "monday", "mondaycom", "moosend", "nasa", "netlify", "newrelic", "newsapi", "nexmo", "ngrok", "novu", "nutritionix",
    "nylas", "okta", "omnisend", "onelogin", "onesignal", "opencage", "openexchangerates", "openweather", "openweathermap",
    "opsgenie", "optimizely", "ovh", "oxylabs", "paddle", "pagerduty", "pandadoc", "papertrail", "parsehub", "pastebin",
    "paymongo", "paypal", "paystack", "pdfmonkey", "pendo", "pexels", "pinecone", "pingcap", "pingdom", "pipedrive",
    "pivotaltracker", "pixabay", "plaid", "planetscale", "plivo", "poloniex", "postageapp", "posthog", "postmark", "prefect",
    "printful", "proxycrawl", "pubnub", "pushbullet", "pusher", "pushover", "qualaroo", "qualtrics", "quandl", "quickbooks",
    "railway", "rapid7", "rapidapi", "razorpay", "recharge", "recurly", "reddit", "replicate", "replit", "resend", "retool",
    "ringcentral", "rollbar", "runpod", "salesforce", "saucelabs", "scaleway", "scalr", "scrapedo", "scrapfly", "scrapingbee",
    "securitytrails", "sendbird", "sendgrid", "sendinblue", "sentry", "serpapi", "serper", "servicenow", "shippo", "shodan",
    "shutterstock", "signalfx", "signalwire", "sinch", "skyscanner", "smartsheet", "smartystreets", "snyk", "solarwinds",
    "sonarcloud", "sonarqube", "spacelift", "sparkpost", "splunk", "spoonacular", "sportradar", "sportsdb", "squarespace",
    "stability", "statuscake", "statuspage", "stigg", "storyblok", "strava", "stripe", "sumologic", "supabase", "surveymonkey",
    "swiftype", "tailscale", "tatum", "tavily", "teamwork", "telegram", "telnyx", "textmagic", "thousandeyes", "ticketmaster",
    "tiingo", "timekit", "tmdb", "todoist", "togetherai", "toggl", "tomorrowio", "tomtom", "travelpayouts", "travis",
    "travisci", "turso", "twelvedata", "twilio", "twitch", "twitter", "typeform", "unsplash", "upstash", "uptimerobot",
    "urlscan", "userstack", "vapi", "vercel", "virustotal", "visualcrossing", "vonage", "voyageai", "vultr", "wakatime",
    "weatherapi", "weatherbit", "weatherstack", "webex", "webflow", "wistia", "woocommerce", "workato", "wrike", "xero",
    "yandex", "yelp", "youneedabudget", "zapier", "zendesk", "zenrows", "zenscrape", "zerobounce", "zipcodeapi", "zoho", "zoom",
]);

/// Those of them whose keys have the form of a UUID, which is an id where nothing says that it is a key.
pub(crate) const WITH_UUIDS: &[&str] = &[
    "codecov",
    "deepl",
    "heroku",
    "postmark",
    "railway",
    "snyk",
    "splunk",
    "squarespace",
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
        assert!(is_vendor(b"zoom") && is_vendor(b"abstractapi") && !is_vendor(b"notion"));
    }
}
