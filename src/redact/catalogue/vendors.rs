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
    "aftership", "agora", "ahrefs", "airbrake", "airbyte", "aircall", "airship", "airwallex", "aiven", "akamai",
    "akeyless", "alchemy", "algolia", "alibabacloud", "alienvault", "aliyun", "alphavantage", "amadeus", "amplitude",
    "ankr", "anthropic", "anyscale", "apideck", "apify", "apilayer", "apollo", "appcenter", "appcues", "appdynamics",
    "appfollow", "appsflyer", "appveyor", "appwrite", "arcgis", "argocd", "artifactory", "asaas", "ashby",
    "assemblyai", "astronomer", "atera", "auth0", "authorizenet", "authy", "autodesk", "avalara", "avaza",
    "aviationstack", "aweber", "axiom", "aylien", "backblaze", "bamboohr", "bandwidthcom", "bannerbear",
    "baremetrics", "basecamp", "basescan", "baseten", "betterstack", "betteruptime", "bigcommerce", "bigpanda",
    "billcom", "binance", "binaryedge", "bingmaps", "bitbucket", "bitfinex", "bitget", "bitly", "bitmex", "bitquery",
    "bitrise", "bitstamp", "bittrex", "blockfrost", "bluesky", "bluesnap", "blynk", "box", "braintree", "branchio",
    "brandfetch", "braze", "brevo", "brightcove", "brightdata", "browserless", "browserstack", "bscscan", "bugherd",
    "bugsnag", "buildkite", "bulksms", "bunny", "bunnycdn", "buttercms", "bybit", "calcom", "calendarific",
    "calendly", "campaignmonitor", "cashfree", "censys", "cerebras", "chainstack", "chargebee", "chargify",
    "chartmogul", "checkly", "checkoutcom", "checkr", "circleci", "clarifai", "clearbit", "clerk", "clevertap",
    "clickatell", "clicksend", "clickup", "clockify", "cloudamqp", "cloudconvert", "cloudflare", "cloudinary",
    "cloudsmith", "cloudways", "codacy", "codeberg", "codeclimate", "codecov", "codemagic", "codeship", "cohere",
    "coinapi", "coinbase", "coingecko", "coinlayer", "coinmarketcap", "coinpaprika", "cometchat", "conekta",
    "confluent", "constantcontact", "contentful", "contentstack", "convertkit", "copyscape", "coralogix", "couchbase",
    "courier", "coveo", "coveralls", "crawlbase", "criminalip", "cronitor", "crowdin", "crowdstrike", "cryptocompare",
    "cryptopanic", "currencyapi", "currencylayer", "customerio", "cyberark", "cybersource", "d7networks", "dagster",
    "dashscope", "datadog", "dataforseo", "datarobot", "deepai", "deepgram", "deepinfra", "deepl", "deepseek",
    "deezer", "dehashed", "delighted", "descope", "detectlanguage", "dialpad", "diffbot", "digicert", "digitalocean",
    "dingtalk", "discogs", "disqus", "dnsimple", "dnspod", "docuseal", "docusign", "doppler", "dotdigital",
    "dropboxsign", "duffel", "duo", "duosecurity", "dwolla", "dynatrace", "easypost", "ebanx", "ebay", "edamam",
    "edenai", "egnyte", "elasticemail", "elevenlabs", "emailable", "emailjs", "emailoctopus", "endorlabs",
    "engagespot", "envato", "eodhd", "etherscan", "etsy", "eventbrite", "everhour", "evernote", "exchangerate",
    "exchangeratesapi", "exoscale", "expensify", "facebook", "facepp", "fast2sms", "fastly", "fastmail", "fastspring",
    "fauna", "fedex", "feishu", "filestack", "fillout", "finage", "financialmodelingprep", "finicity", "finnhub",
    "fireblocks", "firecrawl", "fireworksai", "fitbit", "fivetran", "fixerio", "flagsmith", "flickr", "flutterwave",
    "flyio", "fofa", "forgejo", "formstack", "foursquare", "frameio", "freshbooks", "freshdesk", "freshsales",
    "freshservice", "frontapp", "frontegg", "fullcontact", "fullstory", "fusionauth", "gandi", "gemfury", "gemini",
    "genesys", "geoapify", "geocodio", "getblock", "getresponse", "getstream", "giphy", "gitbook", "gitea", "gitee",
    "gitguardian", "gitter", "gladia", "glassnode", "gocardless", "godaddy", "gorgias", "grafana", "grammarly",
    "graphhopper", "gravatar", "greenhouse", "greynoise", "groq", "growthbook", "guardianapi", "gumroad", "gupshup",
    "gusto", "hackerone", "harvestapp", "hashicorp", "hasura", "haveibeenpwned", "healthchecks", "helius",
    "hellosign", "helpscout", "hereapi", "heremaps", "heroku", "hetzner", "heygen", "highlevel", "honeybadger",
    "honeycomb", "hootsuite", "hostinger", "hotjar", "huawei", "huaweicloud", "hubspot", "huggingface", "humeai",
    "hunter", "hunterio", "hunyuan", "huobi", "hybridanalysis", "ibmcloud", "ideogram", "iexcloud", "ifttt",
    "imagekit", "imgbb", "imgix", "imgur", "influxdb", "infobip", "infura", "insightly", "instana", "intelx",
    "intercom", "intrinio", "ionos", "ip2location", "ipapi", "ipdata", "ipgeolocation", "ipinfo", "ipqualityscore",
    "ipstack", "iterable", "jamf", "jetbrains", "jina", "jinaai", "jira", "jotform", "jumpcloud", "jwplayer", "kagi",
    "kakao", "kakaotalk", "kaleyra", "keycdn", "keycloak", "kickbox", "kinde", "klarna", "klaviyo", "klipfolio",
    "kraken", "kucoin", "lago", "lambdalabs", "langfuse", "langsmith", "lastfm", "lastpass", "launchdarkly",
    "leadfeeder", "leakix", "lemlist", "lemonsqueezy", "leonardoai", "lightspeed", "linode", "lithic", "liveagent",
    "liveblocks", "livechat", "livekit", "loadimpact", "lob", "localstack", "locationiq", "logdna", "loggly",
    "logrocket", "logzio", "lokalise", "looker", "loqate", "lumigo", "luno", "lusha", "magento", "magicbell",
    "mailboxlayer", "mailchimp", "mailerlite", "mailersend", "mailgun", "mailjet", "mailmodo", "mailosaur",
    "mailtrap", "mandrill", "mapbox", "mapillary", "mapquest", "marketo", "marketstack", "mastercard", "matomo",
    "mattermost", "maxmind", "mediastack", "meilisearch", "meraki", "mercadopago", "messagebird", "messari",
    "metronome", "midtrans", "milvus", "minimax", "mistral", "mistralai", "mixedbread", "mixpanel", "mollie",
    "monday", "mondaycom", "monzo", "moosend", "moralis", "msg91", "mulesoft", "mux", "namecheap", "nasa",
    "nasdaqdatalink", "netlas", "netlify", "netsuite", "neverbounce", "newrelic", "newsapi", "nexmo", "ngrok",
    "nodereal", "nordigen", "novita", "novu", "numverify", "nutritionix", "nuvei", "nvidia", "nylas", "nytimes",
    "oanda", "octopusdeploy", "okta", "okx", "ollama", "omnisend", "onelogin", "onesignal", "onfido", "onfleet",
    "onyphe", "opencage", "opencagedata", "openexchangerates", "openrouter", "openweather", "openweathermap",
    "opsgenie", "optimizely", "orcid", "ovh", "oxylabs", "paddle", "pagerduty", "pandadoc", "papertrail", "parsehub",
    "pastebin", "patreon", "paymongo", "payoneer", "paypal", "paystack", "paytm", "payu", "pdfmonkey", "pendo",
    "peopledatalabs", "percy", "perplexity", "pexels", "phantombuster", "pinata", "pinecone", "pingcap", "pingdom",
    "pipedream", "pipedrive", "pivotaltracker", "pixabay", "plaid", "planetscale", "plausible", "playht", "plivo",
    "poloniex", "polygonio", "polygonscan", "porkbun", "portkey", "positionstack", "postageapp", "posthog",
    "postmark", "prefect", "printful", "printify", "prismic", "productboard", "proxmox", "proxycrawl", "proxycurl",
    "pubnub", "pulsedive", "pushbullet", "pusher", "pushover", "qdrant", "qianfan", "qualaroo", "qualtrics", "qualys",
    "quandl", "quickbooks", "quicknode", "rackspace", "railway", "rapid7", "rapidapi", "raycast", "raygun",
    "razorpay", "rebrandly", "recaptcha", "recharge", "recurly", "reddit", "redpanda", "replicate", "replit",
    "resend", "retool", "revai", "revolut", "ringcentral", "rippling", "riskiq", "roboflow", "rocketchat",
    "rocketreach", "rollbar", "rudderstack", "runpod", "runwayml", "safaricom", "salesforce", "salesloft",
    "sambanova", "saucelabs", "scaleserp", "scaleway", "scalr", "scrapedo", "scraperapi", "scrapfly", "scrapingbee",
    "scrapingdog", "screenshotone", "searchapi", "securitytrails", "semgrep", "semrush", "sendbird", "sendgrid",
    "sendinblue", "sendpulse", "sentinelone", "sentry", "serpapi", "serper", "serpstack", "servicenow", "shipengine",
    "shippo", "shipstation", "shodan", "shutterstock", "signalfx", "signalwire", "signnow", "signoz", "siliconflow",
    "sinch", "site24x7", "skyscanner", "smartlead", "smartling", "smartsheet", "smartystreets", "smsapi", "smtp2go",
    "smugmug", "snapchat", "snipcart", "snovio", "snowflake", "snyk", "solarwinds", "solscan", "sonarcloud",
    "sonarqube", "soundcloud", "spacelift", "sparkpost", "speechmatics", "splunk", "spoonacular", "sportradar",
    "sportsdb", "squadcast", "squarespace", "stability", "stabilityai", "stackoverflow", "stackpath", "statsig",
    "statuscake", "statuspage", "steamapi", "stigg", "stormglass", "storyblok", "strapi", "strava", "stripe",
    "stytch", "sumologic", "sumsub", "supabase", "surveymonkey", "swiftype", "synthesia", "tailscale", "tatum",
    "tavily", "taxjar", "teamcity", "teamviewer", "teamwork", "telegram", "telesign", "telnyx", "tenable", "tencent",
    "tencentcloud", "tenderly", "textlocal", "textmagic", "thousandeyes", "ticketmaster", "tiingo", "timekit",
    "timescale", "tinify", "tinypng", "tmdb", "todoist", "togetherai", "toggl", "tomorrowio", "tomtom", "tradier",
    "transifex", "transloadit", "travelpayouts", "travis", "travisci", "trendmicro", "truelayer", "trulioo",
    "trustpilot", "tumblr", "turso", "twelvedata", "twilio", "twitch", "twitter", "typeform", "typesense", "uber",
    "udemy", "unifonic", "unitycloud", "unsplash", "upcloud", "uploadcare", "upstash", "uptimerobot", "urlscan",
    "userstack", "valueserp", "vapi", "veracode", "vercel", "veriff", "viber", "vimeo", "virustotal",
    "visualcrossing", "volcengine", "vonage", "voyageai", "vultr", "wakatime", "wandb", "weatherapi", "weatherbit",
    "weatherstack", "weaviate", "webex", "webflow", "wechat", "weglot", "weixin", "whatsapp", "wigle", "wireguard",
    "wise", "wistia", "woocommerce", "wordpress", "workable", "workato", "workday", "wpengine", "wrike", "xendit",
    "xero", "xfyun", "yahoo", "yandex", "yelp", "ynab", "yodlee", "youneedabudget", "youtube", "zapier", "zendesk",
    "zenefits", "zenrows", "zenscrape", "zenserp", "zeplin", "zerobounce", "zerotier", "zhipu", "zhipuai", "zilliz",
    "zillow", "zipcodeapi", "zoho", "zoom", "zoomeye", "zoominfo", "zulip", "zuora",
]);

/// Those of them whose keys have the form of a UUID, which is an id where nothing says that it is a key.
pub(crate) const WITH_UUIDS: &[&str] = &[
    "cloudamqp",
    "codecov",
    "coinmarketcap",
    "deepl",
    "helius",
    "heroku",
    "opsgenie",
    "postmark",
    "railway",
    "sambanova",
    "saucelabs",
    "snyk",
    "splunk",
    "squarespace",
    "wakatime",
];

/// Words for what gives access, in any language, as a name or a sentence ends in them.
pub(crate) const KEY_WORDS: &[&str] = &[
    "anahtar",
    "anahtarı",
    "apikey",
    "avain",
    "bearer",
    "belirteci",
    "chave",
    "cheia",
    "cheie",
    "chiave",
    "clave",
    "cle",
    "clé",
    "credential",
    "credentials",
    "jeton",
    "key",
    "keys",
    "khóa",
    "klucz",
    "klíč",
    "kulcs",
    "kunci",
    "llave",
    "nyckel",
    "nøgle",
    "nøkkel",
    "schluessel",
    "schlüssel",
    "secret",
    "secrets",
    "sleutel",
    "token",
    "tokens",
    "κλειδί",
    "ключ",
    "ключа",
    "токен",
    "токена",
    "מפתח",
    "مفتاح",
    "کلید",
    "क\u{941}\u{902}ज\u{940}",
    "ट\u{94b}कन",
    "キー",
    "トークン",
    "令牌",
    "密鑰",
    "密钥",
    "秘钥",
    "金鑰",
    "키",
    "토큰",
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
    matches!(
        vendor,
        b"bitbucket" | b"codeberg" | b"forgejo" | b"gitea" | b"gitee"
    )
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
