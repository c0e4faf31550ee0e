//! The prefixes of providers' keys, in tables that tell with one look that none begins here.

use crate::redact::class::Class;

use Tail::{Any, Capital, Cased, Hex, Parted, Random, Strong};

/// How much a tail must look like a key. The more a prefix looks like a word, the more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The prefix says it all.
    Any,
    /// A digit, or capital and small letters mixed.
    Random,
    /// Digits and both cases, or a long run of hexadecimal digits.
    Strong,
    /// As [`Strong`](Self::Strong), in two parts with `_` between them: without it, it is the id of something.
    Parted,
    /// Digits and both cases: hexadecimal digits behind such a word are a hash or an id.
    Cased,
    /// Hexadecimal digits only, perhaps with dashes.
    Hex,
    /// Capital letters and digits, perhaps with dashes.
    Capital,
}

/// Which bytes a key goes on with behind its prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Letters, digits, `_` and `-`.
    Run,
    /// The same, in parts joined by dots.
    Dotted,
    /// The alphabet of base64.
    Base64,
}

/// A row: how a key begins, the shortest tail that is taken for one, and what the tail must look like.
#[derive(Clone, Copy)]
pub(crate) struct Prefix {
    pub(crate) begins: &'static str,
    pub(crate) least: u8,
    pub(crate) tail: Tail,
    pub(crate) body: Body,
    /// Whether the secret of a key ID may stand right behind it: `AKIA…:…`.
    pub(crate) with_secret: bool,
    /// Whose key it is, in the vendor's words.
    #[cfg(test)]
    pub(crate) whose: &'static str,
}

/// `whose` is for readers, and for the test of all rows: a binary does without it.
const fn key(begins: &'static str, least: u8, tail: Tail, whose: &'static str) -> Prefix {
    #[cfg(not(test))]
    let _ = whose;
    Prefix {
        begins,
        least,
        tail,
        body: Body::Run,
        with_secret: false,
        #[cfg(test)]
        whose,
    }
}

impl Prefix {
    const fn dotted(mut self) -> Self {
        self.body = Body::Dotted;
        self
    }

    const fn base64(mut self) -> Self {
        self.body = Body::Base64;
        self
    }

    const fn with_secret(mut self) -> Self {
        self.with_secret = true;
        self
    }
}

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Key;

/// No id of a key that has a secret beside it is longer.
pub(crate) const MAX_ID: usize = 32;

/// None is shorter.
const MIN_ID: usize = 16;

/// No secret of such a key is shorter.
pub(crate) const MIN_SECRET: usize = 30;

/// Whether a text is the id of a key, and the secret may stand beside it.
pub(crate) fn has_secret(id: &[u8]) -> bool {
    let is_of = |row: &Prefix, tail: &[u8]| {
        let fits = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        tail.iter().all(fits) || row.tail != Tail::Any && tail.iter().all(u8::is_ascii_alphanumeric)
    };
    let begins = |row: &Prefix| {
        let tail = id.strip_prefix(row.begins.as_bytes());
        row.with_secret && tail.is_some_and(|tail| is_of(row, tail))
    };
    id.len() >= MIN_ID && PREFIXES.iter().any(begins)
}

/// In the order of their bytes, which the tests check: only those with nearly the same first two are compared.
///
/// From the vendors' own descriptions of their formats and the registries of secret scanners.
#[rustfmt::skip] // A row is one line.
pub(crate) static PREFIXES: &[Prefix] = &[
    key("0.A", 120, Cased, "Microsoft Entra refresh token").dotted(),
    key("0x4AAAAAAA", 20, Random, "Cloudflare Turnstile secret key"),
    key("1.A", 120, Cased, "Microsoft Entra refresh token, a newer form").dotted(),
    key("1PRK-", 40, Capital, "1Password recovery key"),
    key("5Aep861", 40, Random, "Salesforce refresh token").dotted(),
    key("A3-", 20, Capital, "1Password Secret Key of an account"),
    key("A3T", 15, Strong, "AWS access key ID of an older form"),
    key("AAAAAAAAAAAAAAAAAAAA", 24, Random, "X (Twitter) app-only bearer token"),
    key("ABIA", 12, Any, "AWS STS service bearer token").with_secret(),
    key("ABSK", 40, Random, "Amazon Bedrock API key").base64(),
    key("ACCA", 12, Any, "AWS context-specific credential"),
    key("AGE-SECRET-KEY-1", 10, Any, "age identity"),
    key("AGE-SECRET-KEY-PQ-1", 10, Any, "age post-quantum identity"),
    key("AIK_", 16, Random, "Aikido Security token"),
    key("AIza", 16, Random, "Google API key"),
    key("AKCp", 20, Strong, "JFrog Artifactory API key"),
    key("AKIA", 8, Any, "AWS access key ID").with_secret(),
    key("AKID", 24, Strong, "Tencent Cloud SecretId"),
    key("AKLT", 30, Strong, "Volcengine and Kingsoft Cloud access key ID"),
    key("ALTAK-", 10, Random, "Baidu AI Cloud API key").with_secret(),
    key("API-", 24, Capital, "Octopus Deploy API key"),
    key("APP_USR-", 24, Random, "Mercado Pago access token"),
    key("AQ", 120, Cased, "LinkedIn access token; Spotify refresh token"),
    key("AQ.", 20, Random, "Google Cloud API key bound to a service account, as for Gemini").dotted(),
    key("AQE", 40, Strong, "Adyen API key").base64(),
    key("AQVN", 30, Random, "Yandex Cloud API key"),
    key("ASIA", 8, Any, "AWS temporary access key ID").with_secret(),
    key("ATATT3", 12, Random, "Atlassian API token").base64(),
    key("ATBB", 16, Random, "Bitbucket app password"),
    key("ATCOA", 24, Strong, "Atlassian Connect shared secret"),
    key("ATCTT3", 12, Random, "Bitbucket access token of a repository, project or workspace").base64(),
    key("ATSTT3", 12, Random, "Atlassian API key of a service account").base64(),
    key("ATTA", 24, Random, "Trello API token"),
    key("AVNS_", 12, Random, "Aiven password of a service"),
    key("BBDC-", 20, Random, "Bitbucket Data Center HTTP access token").base64(),
    key("BBFF-", 24, Random, "Ubidots token"),
    key("BBUS-", 24, Random, "Ubidots token, Industrial"),
    key("BQ", 120, Cased, "Spotify access token"),
    key("BSA", 24, Strong, "Brave Search API key"),
    key("CCDB1_", 12, Random, "CockroachDB Cloud API key"),
    key("CCIPAT_", 12, Random, "CircleCI personal API token"),
    key("CCIPRJ_", 12, Random, "CircleCI project API token"),
    key("CFPAT-", 12, Random, "Contentful personal access token"),
    key("CJ", 60, Cased, "HubSpot OAuth access token"),
    key("CLOJARS_", 12, Random, "Clojars deploy token"),
    key("DO00", 12, Random, "DigitalOcean Spaces access key ID"),
    key("EAA", 40, Strong, "Meta access token; Square access token, as EAAA"),
    key("ETMsDgAAA", 40, Random, "Snowflake session token").base64(),
    key("EXO", 24, Strong, "Exoscale API key"),
    key("EZAK", 20, Strong, "EasyPost production API key"),
    key("EZTK", 20, Strong, "EasyPost test API key"),
    key("FLWSECK", 12, Random, "Flutterwave secret key"),
    key("FQoGZXIvYXdz", 40, Random, "AWS session token, an older form").base64(),
    key("FwoGZXIvYXdz", 40, Random, "AWS session token of STS").base64(),
    key("GOCSPX-", 10, Random, "Google OAuth client secret"),
    key("GOOG1E", 24, Random, "Google Cloud Storage HMAC access ID"),
    key("GR1348941", 10, Any, "GitLab runner registration token"),
    key("HRKU-", 10, Random, "Heroku API key"),
    key("IGAA", 40, Strong, "Instagram access token"),
    key("IGQV", 40, Strong, "Instagram access token"),
    key("IQoJb3JpZ2lu", 40, Random, "AWS session token").base64(),
    key("IST.eyJ", 20, Random, "Wix API key").dotted(),
    key("JDC_", 24, Capital, "JD Cloud access key ID"),
    key("K00", 24, Cased, "Backblaze B2 application key").base64(),
    key("KEY", 50, Cased, "Telnyx API key, another form"),
    key("KEY01", 24, Strong, "Telnyx API key"),
    key("KGAT_", 20, Random, "Kaggle API token"),
    key("LTAI", 10, Random, "Alibaba Cloud AccessKey ID"),
    key("MC5", 40, Cased, "Prismic access token").dotted(),
    key("Mid-server-", 16, Random, "Midtrans server key"),
    key("NF-", 28, Cased, "Nightfall API key"),
    key("NRAA-", 10, Random, "New Relic admin key"),
    key("NRAK-", 10, Random, "New Relic user key"),
    key("NRBR-", 10, Random, "New Relic browser key"),
    key("NRII-", 10, Random, "New Relic Insights insert key"),
    key("NRIQ-", 10, Random, "New Relic Insights query key"),
    key("NRJS-", 10, Random, "New Relic browser ingest key"),
    key("NRRA-", 10, Random, "New Relic REST API key"),
    key("NRSP-", 10, Random, "New Relic synthetics private location key"),
    key("PMAK-", 12, Random, "Postman API key"),
    key("PMAT-", 20, Random, "Postman collection access token"),
    key("PRD-", 28, Hex, "eBay production certificate ID, which is the client secret"),
    key("QN_", 24, Hex, "QuickNode API key"),
    key("RGAPI-", 20, Hex, "Riot Games API key"),
    key("RWRTY0Iy", 60, Random, "minisign secret key").base64(),
    key("SAA", 50, Capital, "NATS account seed"),
    key("SB-Mid-server-", 16, Random, "Midtrans sandbox server key"),
    key("SBX-", 28, Hex, "eBay sandbox certificate ID, which is the client secret"),
    key("SCW", 17, Random, "Scaleway access key ID"),
    key("SK", 16, Hex, "Twilio API key SID"),
    key("SOA", 50, Capital, "NATS operator seed"),
    key("STS.", 16, Cased, "Alibaba Cloud temporary AccessKey ID").dotted(),
    key("SUA", 50, Capital, "NATS user seed"),
    key("SWMKEY-1-", 16, Random, "Docker Swarm unlock key").base64(),
    key("SWMTKN-1-", 16, Random, "Docker Swarm join token"),
    key("TEST-", 50, Hex, "Mercado Pago test access token"),
    key("THAA", 40, Strong, "Threads access token"),
    key("VF.DM.", 16, Random, "Voiceflow Dialog Manager API key").dotted(),
    key("VF.WS.", 16, Random, "Voiceflow workspace API key").dotted(),
    key("WPL_AP1.", 12, Random, "LinkedIn client secret").dotted(),
    key("YC", 36, Cased, "Yandex Cloud static access key ID"),
    key("ZXlKMGVYQWlP", 24, Random, "JSON Web Token encoded twice, its type first").base64(),
    key("ZXlKaGJHY2lP", 24, Random, "JSON Web Token encoded twice, its algorithm first").base64(),
    key("ZXlKcmFXUWlP", 24, Random, "JSON Web Token encoded twice, its key ID first").base64(),
    key("aact_hmlg_", 16, Random, "Asaas sandbox API key"),
    key("aact_prod_", 16, Random, "Asaas API key"),
    key("access-development-", 12, Random, "Plaid development access token"),
    key("access-production-", 12, Random, "Plaid production access token"),
    key("access-sandbox-", 12, Random, "Plaid sandbox access token"),
    key("act.", 40, Cased, "TikTok access token").dotted(),
    key("age-secret-key-1", 10, Any, "age identity in small letters"),
    key("ai71-api-", 20, Hex, "AI71 API key"),
    key("aio_", 14, Strong, "Adafruit IO key"),
    key("aivenv1 ", 24, Random, "Aiven token").base64(),
    key("ajkey_", 16, Random, "Arcjet key"),
    key("ak-", 20, Strong, "Modal token ID"),
    key("ak_", 18, Cased, "Composio API key"),
    key("akab-", 24, Random, "Akamai EdgeGrid token"),
    key("aks_", 40, Hex, "WarpStream API key secret"),
    key("al-", 36, Cased, "Voyage AI API key, made in MongoDB Atlas"),
    key("alcht_", 16, Random, "Alchemy auth token"),
    key("amzn.mws.", 20, Hex, "Amazon MWS auth token"),
    key("amzn1.oa2-cs.v1.", 24, Hex, "Login with Amazon client secret"),
    key("aph0_", 20, Random, "Anyscale API key"),
    key("api-", 36, Hex, "LaunchDarkly API access token"),
    key("api_live.", 20, Random, "Onfido live API token").dotted(),
    key("api_live_ca.", 20, Random, "Onfido live API token, Canada").dotted(),
    key("api_live_us.", 20, Random, "Onfido live API token, United States").dotted(),
    key("api_org_", 16, Random, "Hugging Face organization API token"),
    key("api_sandbox.", 20, Random, "Onfido sandbox API token").dotted(),
    key("apify_api_", 10, Random, "Apify API token"),
    key("apikey-", 20, Strong, "several vendors' API key"),
    key("apikey_", 40, Hex, "Rainforest Pay API key"),
    key("apk_", 60, Cased, "Devin API key").base64(),
    key("apk_user_", 40, Random, "Devin personal API key").base64(),
    key("app-", 20, Cased, "Dify app API key"),
    key("as-", 20, Strong, "Modal token secret"),
    key("asat_", 24, Random, "AfterShip API key"),
    key("at_", 50, Cased, "HashiCorp Boundary auth token"),
    key("atkn_", 30, Random, "Shopify token of an app's automation"),
    key("b10ck5.", 16, Random, "Block Protocol API key").dotted(),
    key("b_", 40, Cased, "Beamer API key"),
    key("bb_live_", 10, Random, "Browserbase API key"),
    key("bb_test_", 10, Random, "Browserbase test API key"),
    key("bedrock-api-key-", 10, Random, "Amazon Bedrock short-term API key").base64(),
    key("bkaa_", 20, Random, "Buildkite agent access token"),
    key("bkaj_", 12, Random, "Buildkite agent job token"),
    key("bkar_", 20, Random, "Buildkite agent registration token"),
    key("bkct_", 20, Random, "Buildkite cluster token"),
    key("bkpat_", 20, Random, "Buildkite Portal access token"),
    key("bkps_", 20, Random, "Buildkite Portal secret"),
    key("bkpt_", 20, Random, "Buildkite Packages token"),
    key("bkua_", 12, Random, "Buildkite API access token"),
    key("bpk-", 24, Hex, "Builder.io private API key"),
    key("bu_", 36, Cased, "Browser Use API key"),
    key("bxt_", 20, Random, "Brex user token"),
    key("cal_", 28, Strong, "Cal.com API key"),
    key("cal_live_", 12, Random, "Cal.com API key"),
    key("censys_", 20, Cased, "Censys personal access token"),
    key("cfat_", 12, Random, "Cloudflare account API token"),
    key("cfk_", 24, Random, "Cloudflare Global API key"),
    key("cflt", 50, Cased, "Confluent Cloud API secret").base64(),
    key("cfsk_", 20, Random, "Cashfree client secret"),
    key("cfut_", 12, Random, "Cloudflare user API token"),
    key("cfxk_", 16, Random, "Cfx.re server license key"),
    key("cio", 16, Strong, "crates.io API token"),
    key("ck-", 36, Cased, "Chroma Cloud API key"),
    key("ck_", 32, Hex, "WooCommerce consumer key"),
    key("cmVmd", 40, Strong, "JFrog Artifactory reference token"),
    key("cnvca", 40, Random, "Canva client secret"),
    key("cog_", 40, Random, "Devin service user API key"),
    key("configcat-sdk-1/", 36, Random, "ConfigCat SDK key").base64(),
    key("console-", 36, Strong, "Statsig console API key"),
    key("cr-", 40, Hex, "CodeRabbit API key"),
    key("creem_", 16, Random, "Creem API key"),
    key("crsr_", 20, Random, "Cursor API key, a newer form"),
    key("cs", 32, Hex, "Contentstack delivery or management token"),
    key("cs_", 32, Hex, "WooCommerce consumer secret"),
    key("csa_", 30, Random, "Cloudsmith API key"),
    key("csk-", 14, Random, "Cerebras API key"),
    key("cto_", 30, Cased, "Chief Tools access token"),
    key("ctp_", 30, Cased, "Chief Tools personal access token"),
    key("ctr_", 30, Cased, "Chief Tools refresh token"),
    key("ctx7sk-", 10, Random, "Context7 API key"),
    key("cu_", 28, Hex, "Checkly user API key"),
    key("cur_", 40, Strong, "not known; taken for a key when long and random"),
    key("cxtp_", 20, Random, "Coralogix team API key"),
    key("cxup_", 20, Random, "Coralogix user API key"),
    key("dG9rO", 40, Cased, "Intercom access token, which is base64 of tok:").base64(),
    key("da2-", 20, Random, "AWS AppSync API key"),
    key("dapi", 16, Hex, "Databricks personal access token"),
    key("dataset-", 20, Cased, "Dify knowledge API key"),
    key("db-", 26, Cased, "Databento API key"),
    key("dbtc_", 20, Random, "dbt Cloud service token"),
    key("dbtu_", 20, Random, "dbt Cloud personal access token"),
    key("dckr_oat_", 10, Random, "Docker Hub organization access token"),
    key("dckr_pat_", 10, Random, "Docker Hub personal access token"),
    key("ddapp_", 20, Random, "Datadog application key"),
    key("ddo_", 24, Random, "Deno Deploy organization access token"),
    key("ddp_", 24, Random, "Deno Deploy personal access token"),
    key("ddpat_", 20, Random, "Datadog personal access token"),
    key("ddsat_", 20, Random, "Datadog service account access token"),
    key("depot_org_", 20, Random, "Depot organization token"),
    key("depot_project_", 20, Random, "Depot project token"),
    key("dkea", 20, Hex, "Databricks token"),
    key("dls_", 24, Random, "Dashlane service device key"),
    key("dnkey-", 20, Random, "Defined Networking API key"),
    key("doo_v1_", 10, Random, "DigitalOcean OAuth access token"),
    key("dop_v1_", 10, Random, "DigitalOcean personal access token"),
    key("dor_v1_", 10, Random, "DigitalOcean OAuth refresh token"),
    key("dose", 24, Hex, "Databricks OAuth secret"),
    key("dp.audit.", 12, Random, "Doppler audit token").dotted(),
    key("dp.ct.", 12, Random, "Doppler CLI token").dotted(),
    key("dp.pt.", 12, Random, "Doppler personal token").dotted(),
    key("dp.sa.", 12, Random, "Doppler service account token").dotted(),
    key("dp.scim.", 12, Random, "Doppler SCIM token").dotted(),
    key("dp.st.", 12, Random, "Doppler service token").dotted(),
    key("dryrunsec_", 20, Random, "DryRun Security API key"),
    key("dsapi_", 20, Random, "not known; taken for a key when random"),
    key("dt0c01.", 12, Random, "Dynatrace API token").dotted(),
    key("dt0s01.", 12, Random, "Dynatrace SCIM token").dotted(),
    key("dt0s02.", 12, Random, "Dynatrace OAuth client secret").dotted(),
    key("dt0s16.", 12, Random, "Dynatrace platform token").dotted(),
    key("dtn_", 32, Random, "Daytona API key"),
    key("dub_", 20, Cased, "Dub API key"),
    key("duffel_live_", 10, Random, "Duffel live access token"),
    key("duffel_test_", 10, Random, "Duffel test access token"),
    key("dvc_client_", 12, Random, "DevCycle client SDK key"),
    key("dvc_mobile_", 12, Random, "DevCycle mobile SDK key"),
    key("dvc_server_", 12, Random, "DevCycle server SDK key"),
    key("e2b_", 20, Random, "E2B API key"),
    key("ek_", 30, Strong, "OpenAI ephemeral key"),
    key("esecret_", 16, Random, "Anyscale Endpoints API key"),
    key("essu_", 30, Random, "Elastic Cloud API key"),
    key("eu1.", 60, Cased, "FullStory API key of the EU").base64(),
    key("expo_", 30, Strong, "Expo access token"),
    key("eyJ2MiI6I", 40, Random, "Convex access token").base64(),
    key("eyJVc2VySUQiOi", 30, Random, "Upstash QStash token").base64(),
    key("eyJhcGlLZXkiOi", 40, Random, "UploadThing token").base64(),
    key("eyJtaXJv", 20, Random, "Miro access token"),
    key("eyJwYXlsb2FkIj", 60, Random, "Amazon ECR authorization token").base64(),
    key("fastgpt-", 30, Random, "FastGPT API key"),
    key("fc-", 16, Hex, "Firecrawl API key"),
    key("fhb-", 24, Random, "FireHydrant API key"),
    key("figd_", 12, Random, "Figma personal access token"),
    key("figdr_", 12, Random, "Figma personal access token, another form"),
    key("figo_", 12, Random, "Figma OAuth access token"),
    key("figoh_", 12, Random, "Figma OAuth access token, another form"),
    key("figor_", 12, Random, "Figma OAuth refresh token"),
    key("figu_", 12, Random, "Figma user access token"),
    key("figur_", 12, Random, "Figma user refresh token"),
    key("fio-u-", 16, Random, "Frame.io developer token"),
    key("flp_", 24, Random, "Friendli personal access token"),
    key("fm1a_", 16, Random, "Fly.io access token, first version").base64(),
    key("fm1r_", 16, Random, "Fly.io root token, first version").base64(),
    key("fm2_", 16, Random, "Fly.io access token").base64(),
    key("fnA", 34, Cased, "Fauna key"),
    key("fo1_", 16, Random, "Fly.io OAuth token"),
    key("fpk_", 20, Random, "Fireworks AI API key, another form"),
    key("fw_", 12, Strong, "Fireworks AI API key"),
    key("gcntfy-", 36, Random, "GC Notify API key"),
    key("gho_", 10, Random, "GitHub OAuth access token"),
    key("ghp_", 10, Random, "GitHub personal access token"),
    key("ghr_", 10, Random, "GitHub App refresh token"),
    key("ghs_", 10, Random, "GitHub App installation access token").dotted(),
    key("ghu_", 10, Random, "GitHub App user access token"),
    key("github_pat_", 10, Random, "GitHub fine-grained personal access token"),
    key("gitpod_pat_", 16, Random, "Gitpod personal access token"),
    key("glagent-", 12, Random, "GitLab agent for Kubernetes token").dotted(),
    key("glc_", 16, Random, "Grafana Cloud access policy token").base64(),
    key("glcbt-", 12, Random, "GitLab CI/CD job token").dotted(),
    key("gldt-", 12, Random, "GitLab deploy token"),
    key("glffct-", 12, Random, "GitLab feature flags client token"),
    key("glft-", 12, Random, "GitLab feed token"),
    key("glimt-", 12, Random, "GitLab incoming mail token"),
    key("gloas-", 12, Random, "GitLab OAuth application secret"),
    key("glpat-", 10, Random, "GitLab personal access token").dotted(),
    key("glptt-", 12, Random, "GitLab pipeline trigger token"),
    key("glrt-", 12, Random, "GitLab runner authentication token").dotted(),
    key("glrtr-", 12, Random, "GitLab runner token made by registration"),
    key("glsa_", 12, Random, "Grafana service account token"),
    key("glsoat-", 12, Random, "GitLab SCIM token"),
    key("glwt-", 12, Random, "GitLab workspace token").dotted(),
    key("gs_appsweep_", 20, Random, "Guardsquare AppSweep API key"),
    key("gsk_", 16, Random, "Groq API key"),
    key("hawk.", 20, Random, "StackHawk API key").dotted(),
    key("hbp_", 16, Random, "Honeybadger personal auth token"),
    key("hcaik_", 12, Random, "Honeycomb ingest key ID"),
    key("hcamk_", 12, Random, "Honeycomb management key ID"),
    key("hcaxk_", 12, Random, "Honeycomb key ID"),
    key("hcxik_", 12, Random, "Honeycomb ingest key ID"),
    key("hcxlk_", 12, Random, "Honeycomb configuration key ID"),
    key("hcxmk_", 12, Random, "Honeycomb management key ID"),
    key("hf_", 12, Random, "Hugging Face user access token"),
    key("hvb.", 16, Random, "HashiCorp Vault batch token").dotted(),
    key("hvr.", 16, Random, "HashiCorp Vault recovery token").dotted(),
    key("hvs.", 16, Random, "HashiCorp Vault service token").dotted(),
    key("hxtp_", 20, Random, "Hex personal token"),
    key("hxtw_", 20, Random, "Hex workspace token"),
    key("ico-", 24, Strong, "Infracost API key"),
    key("ion_", 36, Cased, "Ionic personal access token"),
    key("isat_", 20, Random, "Iterative (DVC Studio) client access token"),
    key("jca_", 24, Random, "JumpCloud API key"),
    key("jina_", 16, Random, "Jina AI API key"),
    key("jsrp_", 16, Random, "JSR personal access token"),
    key("key-", 16, Hex, "Mailgun private API key"),
    key("key_", 20, Hex, "Cursor API key; other vendors' keys in hexadecimal digits"),
    key("kpat_", 20, Random, "Kong Konnect personal access token"),
    key("lin_api_", 10, Random, "Linear API key"),
    key("lin_oauth_", 10, Random, "Linear OAuth access token"),
    key("lin_wh_", 10, Random, "Linear webhook signing secret"),
    key("lip_", 16, Strong, "Lichess personal access token"),
    key("live_", 30, Strong, "Mollie live API key; Lob and others"),
    key("live_auth_", 24, Hex, "Scale AI callback key"),
    key("llx-", 16, Random, "LlamaCloud API key"),
    key("lma_", 24, Cased, "LogicMonitor LMv1 access key"),
    key("lmb_", 24, Cased, "LogicMonitor bearer token"),
    key("ls-", 36, Cased, "LocalStack auth token"),
    key("ls__", 16, Random, "LangSmith API key, first version"),
    key("lsv2_pt_", 10, Random, "LangSmith personal access token"),
    key("lsv2_sk_", 10, Random, "LangSmith service key"),
    key("lsxs_pt_", 16, Random, "Lightspeed Retail personal token"),
    key("luma-", 30, Strong, "Luma AI API key"),
    key("m0-", 24, Strong, "Mem0 API key"),
    key("mainnet", 32, Cased, "Blockfrost project ID, which is its key"),
    key("mar_", 30, Cased, "Matrix refresh token, made by Matrix Authentication Service"),
    key("mat_", 30, Cased, "Matrix access token, made by Matrix Authentication Service"),
    key("mb_", 30, Strong, "Metabase API key"),
    key("mcr_", 30, Cased, "Matrix refresh token of an older client"),
    key("mct_", 30, Cased, "Matrix access token of an older client"),
    key("md-", 20, Strong, "Mailchimp Transactional (Mandrill) API key"),
    key("mdb_sa_sk_", 12, Random, "MongoDB Atlas service account secret"),
    key("mercury_production_", 24, Random, "Mercury API token"),
    key("mercury_sandbox_", 24, Random, "Mercury sandbox API token"),
    key("mergify_application_key_", 20, Random, "Mergify application key"),
    key("mfa.", 60, Cased, "Discord token of a user with two factors").dotted(),
    key("mik_", 24, Random, "Mappedin API key"),
    key("mint_", 22, Cased, "Mintlify API key"),
    key("mis_", 24, Random, "Mappedin API secret"),
    key("mka_", 20, Random, "Mergify application key"),
    key("mlsn.", 20, Random, "MailerSend API token").dotted(),
    key("mob-", 36, Hex, "LaunchDarkly mobile key"),
    key("ms-", 32, Hex, "ModelScope SDK token"),
    key("msk_", 24, Cased, "Mastra API key"),
    key("mxb_", 24, Random, "Mixedbread API key"),
    key("mzp_", 60, Hex, "Materialize app password"),
    key("n8n_api_", 20, Random, "n8n API key"),
    key("na1.", 60, Cased, "FullStory API key").base64(),
    key("napi_", 14, Random, "Neon API key"),
    key("nbp_", 30, Random, "NetBird personal access token"),
    key("ncp_iam_", 16, Random, "Naver Cloud access key"),
    key("nfb_", 20, Random, "Netlify build token"),
    key("nfc_", 20, Random, "Netlify CLI token"),
    key("nfo_", 20, Random, "Netlify OAuth token"),
    key("nfp_", 14, Random, "Netlify personal access token"),
    key("nfu_", 20, Random, "Netlify user interface token"),
    key("nk-", 30, Cased, "Nomic API key"),
    key("npg_", 10, Random, "Neon password of a Postgres role"),
    key("npm_", 12, Random, "npm access token"),
    key("nrt_", 30, Cased, "Notion OAuth refresh token"),
    key("nsec1", 50, Random, "Nostr private key"),
    key("ntn_", 14, Random, "Notion API token"),
    key("nvapi-", 12, Random, "NVIDIA API key"),
    key("nyk_", 20, Random, "Nylas API key"),
    key("oa_prod_", 24, Random, "Revolut Business access token"),
    key("oa_sand_", 24, Random, "Revolut Business sandbox access token"),
    key("odt_", 24, Random, "OWASP Dependency-Track API key"),
    key("ol_api_", 24, Random, "Outline API key"),
    key("opk_", 24, Random, "OpenPipe API key"),
    key("ops_eyJ", 20, Random, "1Password service account token").base64(),
    key("ory_at_", 12, Random, "Ory access token"),
    key("ory_pat_", 12, Random, "Ory API key"),
    key("ory_rt_", 12, Random, "Ory refresh token"),
    key("ory_st_", 12, Random, "Ory session token"),
    key("os_v2_app_", 12, Random, "OneSignal app API key"),
    key("os_v2_org_", 12, Random, "OneSignal organization API key"),
    key("ovsxat_", 20, Random, "Open VSX access token"),
    key("oy2", 20, Random, "NuGet API key"),
    key("p.eyJ", 20, Random, "Tinybird token").dotted(),
    key("p8e-", 20, Random, "Adobe client secret"),
    key("pa-", 30, Strong, "Voyage AI API key"),
    key("pa_", 30, Cased, "Pirsch access key"),
    key("packagist_", 20, Random, "Private Packagist token"),
    key("pat-ap1-", 12, Random, "HubSpot private app token, Asia Pacific"),
    key("pat-eu1-", 12, Random, "HubSpot private app token, Europe"),
    key("pat-na1-", 12, Random, "HubSpot private app token, North America"),
    key("pat-na2-", 12, Random, "HubSpot private app token, North America"),
    key("pat.", 30, Strong, "Harness personal access token").dotted(),
    key("pat_", 50, Cased, "Coze personal access token"),
    key("pco_pat_", 24, Random, "Planning Center personal access token"),
    key("pcsk_", 12, Random, "Pinecone API key"),
    key("pdl_live_", 20, Strong, "Paddle live API key"),
    key("pdl_sdbx_", 20, Strong, "Paddle sandbox API key"),
    key("permit_key_", 24, Random, "Permit.io API key"),
    key("persona_production_", 16, Random, "Persona API key"),
    key("persona_sandbox_", 16, Random, "Persona sandbox API key"),
    key("pha_", 20, Random, "PostHog OAuth access token"),
    key("phc_", 20, Random, "PostHog project API key"),
    key("phr_", 20, Random, "PostHog OAuth refresh token"),
    key("phs_", 20, Random, "PostHog feature flags secure API key"),
    key("phx_", 12, Random, "PostHog personal API key"),
    key("pina_", 20, Random, "Pinterest access token"),
    key("pinr_", 20, Random, "Pinterest refresh token"),
    key("pk1_", 40, Hex, "Porkbun API key"),
    key("pk_", 32, Hex, "Klaviyo private API key"),
    key("pk_prod_", 26, Capital, "Courier API key"),
    key("pk_test_", 26, Capital, "Courier API key, for tests"),
    key("plane_api_", 24, Hex, "Plane API key"),
    key("pnb_", 20, Random, "Prefect service account API key"),
    key("pnu_", 14, Random, "Prefect user API key"),
    key("polar_", 20, Random, "Polar access token"),
    key("pplx-", 12, Random, "Perplexity API key"),
    key("preprod", 32, Cased, "Blockfrost project ID of a test network"),
    key("preview", 32, Cased, "Blockfrost project ID of a test network"),
    key("prf_", 20, Cased, "Proof API key"),
    key("private_", 24, Strong, "ImageKit private key"),
    key("prtapi_", 24, Hex, "Shopify Partner API token"),
    key("pscale_oauth_", 10, Random, "PlanetScale OAuth token"),
    key("pscale_pw_", 10, Random, "PlanetScale password"),
    key("pscale_tkn_", 10, Random, "PlanetScale service token"),
    key("ptk_", 36, Random, "Hop project token"),
    key("ptla_", 30, Cased, "Pterodactyl application API key"),
    key("ptlc_", 30, Cased, "Pterodactyl client API key"),
    key("ptr_", 32, Cased, "Portainer access token").base64(),
    key("pts_", 28, Random, "Pangea service token"),
    key("pul-", 16, Hex, "Pulumi access token"),
    key("pylf_", 16, Random, "Pydantic Logfire token"),
    key("pypi-", 16, Random, "PyPI API token"),
    key("r8_", 16, Random, "Replicate API token"),
    key("ragflow-", 30, Cased, "RAGFlow API key"),
    key("ramp_business_tok_", 20, Random, "Ramp application signup token"),
    key("ramp_sec_", 16, Random, "Ramp client secret"),
    key("rca_", 60, Hex, "Raycast access token"),
    key("rdme_", 20, Random, "ReadMe API key"),
    key("re_", 14, Parted, "Resend API key"),
    key("reo_", 12, Random, "Reo API key"),
    key("retool_01", 16, Random, "Retool API access token"),
    key("rft.", 40, Cased, "TikTok refresh token").dotted(),
    key("rh-api-", 20, Hex, "Robinhood Crypto API key"),
    key("rk_live_", 8, Random, "Stripe restricted key"),
    key("rk_test_", 8, Random, "Stripe restricted test key"),
    key("rnd_", 20, Strong, "Render API key"),
    key("rootly_", 20, Random, "Rootly API token"),
    key("rpa_", 24, Random, "RunPod API key; redirect.pizza API token"),
    key("rubygems_", 12, Random, "RubyGems API key"),
    key("rzp_live_", 10, Random, "Razorpay live key ID"),
    key("rzp_test_", 10, Random, "Razorpay test key ID"),
    key("s-s4t2ud-", 20, Hex, "42 Intra client secret"),
    key("salad_cloud_", 20, Random, "SaladCloud API key"),
    key("samsara_api_", 16, Random, "Samsara API token"),
    key("sandbox-sq0csb-", 10, Random, "Square sandbox OAuth application secret"),
    key("sandbox_", 36, Cased, "GoCardless sandbox access token"),
    key("sat.", 30, Strong, "Harness service account token").dotted(),
    key("sat_", 50, Cased, "Coze service access token"),
    key("sb_secret_", 10, Random, "Supabase secret key"),
    key("sbp_", 16, Random, "Supabase personal access token"),
    key("sct_", 30, Random, "Shortcut API token"),
    key("sdk-", 36, Hex, "LaunchDarkly SDK key"),
    key("seam_", 20, Cased, "Seam API key"),
    key("sec-c-", 20, Random, "PubNub secret key"),
    key("sec_", 30, Strong, "several vendors' secret, such as Picatic's"),
    key("secret-", 24, Strong, "Statsig server secret key"),
    key("secret-live-", 12, Random, "Stytch live secret"),
    key("secret-test-", 12, Random, "Stytch test secret"),
    key("secret_", 18, Strong, "Notion integration token, first version; other vendors' secrets"),
    key("ser.", 18, Cased, "Flagsmith server-side environment key").dotted(),
    key("sess-", 20, Strong, "OpenAI session key"),
    key("sgamp_user_", 16, Random, "Amp access token"),
    key("sgd_", 24, Random, "Sourcegraph dotcom user gateway token"),
    key("sgp_", 14, Random, "Sourcegraph access token; Segment public API token"),
    key("shippo_live_", 12, Random, "Shippo live API token"),
    key("shippo_test_", 12, Random, "Shippo test API token"),
    key("shpat_", 12, Random, "Shopify access token of an app"),
    key("shpca_", 12, Random, "Shopify access token of a custom app"),
    key("shppa_", 12, Random, "Shopify password of a private app"),
    key("shpss_", 12, Random, "Shopify shared secret of an app"),
    key("shptka_", 12, Random, "Shopify Partner API token"),
    key("shpua_", 12, Random, "Shopify user access token"),
    key("sig_", 24, Cased, "Upstash QStash signing key"),
    key("signkey-", 20, Random, "Inngest signing key"),
    key("sindri_", 24, Cased, "Sindri API key"),
    key("sk", 76, Cased, "Sanity API token"),
    key("sk-", 14, Random, "OpenAI API key, and that of many after it: DeepSeek, Moonshot, OpenRouter, Langfuse, LiteLLM").dotted(),
    key("sk-ant-", 8, Random, "Anthropic API key"),
    key("sk-helicone-", 10, Random, "Helicone API key"),
    key("sk.eyJ", 20, Random, "Mapbox secret access token").dotted(),
    key("sk1_", 40, Hex, "Porkbun secret API key"),
    key("sk_", 16, Strong, "ElevenLabs API key; other vendors' secret keys"),
    key("sk_car_", 12, Random, "Cartesia API key"),
    key("sk_dev_", 16, Random, "Liveblocks secret key of a development project"),
    key("sk_live_", 8, Random, "Stripe secret key; Clerk, WorkOS, Paystack"),
    key("sk_prod_", 16, Random, "Liveblocks secret key of a production project"),
    key("sk_sbox_", 16, Random, "Checkout.com sandbox secret key"),
    key("sk_staging_", 16, Random, "WorkOS and others' staging secret key"),
    key("sk_test_", 8, Random, "Stripe secret test key; Clerk, WorkOS, Paystack"),
    key("skapi_", 20, Random, "Heartland Portico secret API key"),
    key("skey_live_", 10, Random, "Omise secret key"),
    key("skey_test_", 10, Random, "Omise secret test key"),
    key("sktsec_", 16, Random, "Socket API token"),
    key("sl.", 40, Strong, "Dropbox access token").dotted(),
    key("slk_", 30, Random, "Sourcegraph license key"),
    key("sm_aat_", 12, Random, "SettleMint application access token"),
    key("sm_pat_", 12, Random, "SettleMint personal access token"),
    key("sm_sat_", 12, Random, "SettleMint service access token"),
    key("sntrya_", 12, Random, "Sentry app auth token"),
    key("sntryi_", 12, Random, "Sentry integration auth token"),
    key("sntrys_", 12, Random, "Sentry organization auth token").base64(),
    key("sntryu_", 12, Random, "Sentry user auth token"),
    key("snyk_", 14, Random, "Snyk API token").dotted(),
    key("spat_", 20, Random, "Kong Konnect system account access token"),
    key("sq0atp-", 10, Random, "Square access token"),
    key("sq0csp-", 10, Random, "Square OAuth application secret"),
    key("sqa_", 20, Random, "SonarQube global analysis token"),
    key("sqp_", 20, Random, "SonarQube project analysis token"),
    key("squ_", 14, Random, "SonarQube user token"),
    key("standard_", 100, Hex, "Appwrite API key"),
    key("ste-", 30, Strong, "Steel API key"),
    key("syt_", 20, Random, "Matrix access token, made by Synapse"),
    key("t-", 36, Cased, "Lark tenant access token"),
    key("t1.", 60, Strong, "Yandex Cloud IAM token").dotted(),
    key("test_", 30, Strong, "Mollie test API key; Lob and others"),
    key("testsk_", 24, Cased, "Svix test token"),
    key("tfp_", 14, Random, "Typeform personal access token"),
    key("tgp_v1_", 10, Random, "Together AI API key"),
    key("tgpak_", 30, Random, "Tolgee project API key"),
    key("tgpat_", 30, Random, "Tolgee personal access token"),
    key("thog-key-", 16, Random, "TruffleHog Enterprise key"),
    key("tk-us-", 20, Random, "Scalingo API token"),
    key("tk.eyJ", 20, Random, "Mapbox temporary access token").dotted(),
    key("tk_", 40, Hex, "Vikunja API token"),
    key("tkcapi_", 20, Random, "Testkube API key"),
    key("tkn.v1_", 20, Random, "Teamwork access token").base64(),
    key("tly-", 28, Cased, "Tally API key"),
    key("tprv", 80, Cased, "extended private key of a wallet on a test network"),
    key("tr_dev_", 14, Random, "Trigger.dev secret key of a development environment"),
    key("tr_pat_", 14, Random, "Trigger.dev personal access token"),
    key("tr_prod_", 14, Random, "Trigger.dev secret key"),
    key("tr_stg_", 14, Random, "Trigger.dev secret key of a staging environment"),
    key("tsec_", 24, Random, "Tigris secret access key"),
    key("tskey-", 12, Random, "Tailscale key"),
    key("tss_", 20, Cased, "Thunderstore service account token"),
    key("tvly-", 12, Random, "Tavily API key"),
    key("u-", 36, Cased, "Lark user access token"),
    key("u-s4t2ud-", 20, Hex, "42 Intra client UID"),
    key("ucat_", 16, Random, "UpCloud API token"),
    key("uk1_", 30, Cased, "Uptime Kuma API key"),
    key("unkey_", 16, Random, "Unkey root key"),
    key("v1.0-", 24, Hex, "Cloudflare Origin CA key"),
    key("vca_", 20, Random, "Vercel app access token"),
    key("vci_", 20, Random, "Vercel integration token"),
    key("vck_", 20, Random, "Vercel AI Gateway API key"),
    key("vcp_", 14, Random, "Vercel personal access token"),
    key("vcr_", 20, Random, "Vercel app refresh token"),
    key("vercel_blob_rw_", 10, Random, "Vercel Blob read-write token"),
    key("vk1.a.", 60, Cased, "VK access token"),
    key("vtwn_", 16, Random, "Val Town API token"),
    key("waka_", 14, Random, "WakaTime API key"),
    key("wandb_v1_", 12, Random, "Weights & Biases API key"),
    key("whsec_", 10, Random, "Stripe webhook signing secret; Standard Webhooks, as Svix and Clerk"),
    key("wrka", 24, Random, "Workato API client token").dotted(),
    key("xaat-", 20, Hex, "Axiom API token"),
    key("xai-", 16, Random, "xAI API key"),
    key("xapp-", 10, Random, "Slack app-level token"),
    key("xapt-", 20, Hex, "Axiom personal access token"),
    key("xau_", 20, Random, "Xata API key"),
    key("xkeysib-", 12, Random, "Brevo API key"),
    key("xnd_development_", 16, Random, "Xendit test secret key"),
    key("xnd_production_", 16, Random, "Xendit live secret key"),
    key("xox", 12, Random, "Slack token").dotted(),
    key("xoxd-", 24, Random, "Slack session cookie").base64(),
    key("xprv", 80, Cased, "extended private key of a wallet, BIP 32"),
    key("xsmtpsib-", 12, Random, "Brevo SMTP key"),
    key("xwfp-", 12, Random, "Slack workflow token"),
    key("y0_", 24, Strong, "Yandex OAuth token"),
    key("y1_", 40, Strong, "Yandex OAuth token"),
    key("y2_", 40, Strong, "Yandex OAuth token"),
    key("y3_", 40, Strong, "Yandex OAuth token"),
    key("ya29.", 12, Random, "Google OAuth access token").dotted(),
    key("yprv", 80, Cased, "extended private key of a wallet, BIP 49"),
    key("z_1dWlkIjo", 40, Cased, "Zep API key").dotted(),
    key("zpka_", 20, Random, "Zuplo API key"),
    key("zprv", 80, Cased, "extended private key of a wallet, BIP 84"),
];

/// Whether a key of a row begins with this, or but for the letter of its kind: `xoxb-`.
pub(crate) fn is_prefix(text: &[u8]) -> bool {
    let behind = PREFIXES.partition_point(|row| row.begins.as_bytes() <= text);
    let row = behind.checked_sub(1).and_then(|last| PREFIXES.get(last));
    row.and_then(|row| text.strip_prefix(row.begins.as_bytes()))
        .is_some_and(|kind| kind.len() <= 2)
}

/// A bit for the first two bytes of each prefix, so that most runs are done with one look.
pub(crate) static PAIRS: [u64; 1024] = pairs();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn pairs() -> [u64; 1024] {
    let mut bits = [0u64; 1024];
    let mut index = 0;
    while index < PREFIXES.len() {
        let text = PREFIXES[index].begins.as_bytes();
        let pair = (text[0] as usize) << 8 | text[1] as usize;
        bits[pair / 64] |= 1 << (pair % 64);
        index += 1;
    }
    bits
}

/// How far behind its beginning the tail of a key may stand whose prefix ends in a dot.
pub(crate) const BEFORE_DOT: usize = longest_dotted();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn longest_dotted() -> usize {
    let mut longest = 0;
    let mut index = 0;
    while index < PREFIXES.len() {
        let text = PREFIXES[index].begins.as_bytes();
        if text[text.len() - 1] == b'.' && text.len() > longest {
            longest = text.len();
        }
        index += 1;
    }
    longest
}

/// How many prefixes stand before those of each eight pairs.
pub(crate) static FIRST: [u16; 8193] = first();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn first() -> [u16; 8193] {
    let mut table = [0u16; 8193];
    let mut index = 0;
    let mut pairs = 0;
    while pairs < table.len() {
        while index < PREFIXES.len() {
            let text = PREFIXES[index].begins.as_bytes();
            if ((text[0] as usize) << 8 | text[1] as usize) / 8 >= pairs {
                break;
            }
            index += 1;
        }
        table[pairs] = index as u16;
        pairs += 1;
    }
    table
}

/// The first bytes of each prefix, up to eight, and which bits of a word they are: a comparison of a word each tells
/// most prefixes apart, where one of slices takes ten times as long.
pub(crate) static HEADS: [(u64, u64); PREFIXES.len()] = heads();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn heads() -> [(u64, u64); PREFIXES.len()] {
    let mut table = [(0, 0); PREFIXES.len()];
    let mut index = 0;
    while index < PREFIXES.len() {
        let text = PREFIXES[index].begins.as_bytes();
        let mut byte = 0;
        while byte < text.len() && byte < 8 {
            table[index].0 |= (text[byte] as u64) << (8 * byte);
            table[index].1 |= 0xFF << (8 * byte);
            byte += 1;
        }
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_in_order_and_distinct_and_name_their_vendors() {
        for pair in PREFIXES.windows(2) {
            assert!(
                pair[0].begins.as_bytes() < pair[1].begins.as_bytes(),
                "{} {}",
                pair[0].begins,
                pair[1].begins
            );
        }
        for row in PREFIXES {
            assert!(
                row.begins.len() >= 2 && row.whose.len() >= 5,
                "{}",
                row.begins
            );
        }
        assert!(PREFIXES.len() >= 400);
    }

    /// A sign of base64 within the first bytes, and a digit right behind it.
    #[test]
    fn a_key_of_base64_goes_whole_though_a_sign_parts_its_beginning() {
        let tail = "9xQ7rT2mK8vB4nL6pW1sD3fG5hJ0zC9yU7iO2eA4kM6tR8bN";
        for sign in ['/', '+'] {
            for key in ["ABSKab", "ABSK"].map(|head| format!("{head}{sign}{tail}")) {
                for text in [format!("use {key} now"), format!("\"{key}\"")] {
                    let kept = crate::redact::redact_str(&text).replace("[REDACTED_KEY]", "");
                    assert_eq!(kept, text.replace(&key, ""), "{text}");
                }
            }
        }
    }
}
