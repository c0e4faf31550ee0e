"""Forms of keys: facts from vendors' pages and public rule catalogues, bodies left to the reader of the data.

A line of a table is `vendor | form`. In a form, `{alphabet:length}` is a random part of the secret.
"""

# Keys that can be told by their own form.
SELF = r"""
1Password | ops_eyJ{b64:260}
1Password | A3-{upper:6}-{upper:6}-{upper:5}-{upper:5}-{upper:5}-{upper:5}
Adafruit | aio_{alnum:28}
Adobe | p8e-{lower:32}
age | AGE-SECRET-KEY-1{b32:58}
Airtable | pat{alnum:14}.{hex:64}
Aiven | AVNS_{b64u:19}
Aiven | ‹aivenv1› {b64:80}
Alibaba Cloud | LTAI{alnum:20}
Anthropic | sk-ant-api03-{b64u:93}AA
Anthropic | sk-ant-admin01-{b64u:93}AA
Anthropic | sk-ant-oat01-{b64u:90}AA
Apify | apify_api_{alnum:36}
Artifactory | AKCp{alnum:69}
Artifactory | cmVmd{alnum:59}
Asana | 2/⟪digits:16⟫/⟪digits:16⟫:{hex:32}
Atlassian | ATATT3xFfGF0{b64u:171}=⟪HEX:8⟫
Atlassian | ATCTT3xFfGN0{b64u:171}=⟪HEX:8⟫
Authress | sc_⟪lower:12⟫.⟪lower:4⟫.acc_{lower:16}.{b64:44}
AWS | AKIA{b32:16}
AWS | ASIA{b32:16}
AWS | ABIA{b32:16}
AWS Bedrock | ABSK{b64:120}
AWS Bedrock | bedrock-api-key-{b64:120}
AWS AppSync | da2-{lower:26}
AWS MWS | amzn.mws.{uuid}
Azure Entra | {alnum:3}8Q~{b64u:34}
Azure Container Registry | {b64:42}+ACR{alnum:6}
Azure DevOps | {alnum:76}AZDO{alnum:4}
Azure Storage | {b64:76}+ASt{alnum:6}==
Azure Functions | {b64u:44}AzFu{alnum:6}==
Azure Cognitive | {alnum:52}JQQJ99{alnum:12}ACOG{alnum:4}
Azure Cosmos DB | {b64:76}ACDb{alnum:6}==
Beamer | b_{b64u:44}
Bitbucket | ATBB{alnum:32}
Block Protocol | b10ck5.{hex:32}.{uuid}
Brave Search | BSA{alnum:28}
Brevo | xkeysib-{hex:64}-{alnum:16}
Brevo | xsmtpsib-{hex:64}-{alnum:16}
Browserbase | bb_live_{b64u:27}
Buildkite | bkua_{hex:40}
Buildkite | bkct_{alnum:40}
Cal.com | cal_live_{hex:32}
Canva | cnvca{b64u:51}
Cerebras | csk-{lower:48}
Checkout.com | sk_sbox_{lower:26}
CircleCI | CCIPAT_{alnum:22}_{hex:40}
CircleCI | CCIPRJ_{alnum:22}_{hex:40}
ClickHouse Cloud | 4b1d{alnum:38}
ClickUp | pk_{digits:9}_{upper:32}
Clerk | sk_live_{alnum:42}
Clojars | CLOJARS_{hex:60}
Close | api_{alnum:22}.{alnum:22}
Cloudflare | cfut_{alnum:48}
Cloudflare | cfat_{alnum:48}
Cloudflare | v1.0-{hex:24}-{hex:146}
CockroachDB | CCDB1_{alnum:22}_{alnum:40}
Composio | ak_{b64u:20}
Confluent | cflt{b64:60}
Contentful | CFPAT-{b64u:43}
Context7 | ctx7sk-{uuid}
Crates.io | cio{alnum:32}
Cursor | key_{hex:64}
Databricks | dapi{hex:32}
Databricks | dose{hex:32}
Datadog | ddapp_{alnum:34}
DeepSeek | sk-{hex:32}
Defined Networking | dnkey-{b64u:26}-{b64u:52}
DigitalOcean | dop_v1_{hex:64}
DigitalOcean | doo_v1_{hex:64}
DigitalOcean | dor_v1_{hex:64}
Discord | MT{alnum:24}.{alnum:6}.{b64u:38}
Docker Hub | dckr_pat_{b64u:27}
Docker Hub | dckr_oat_{b64u:32}
Doppler | dp.pt.{alnum:43}
Doppler | dp.st.prd.{alnum:43}
Dropbox | sl.u.{b64u:135}
Duffel | duffel_live_{b64u:43}
Dynatrace | dt0c01.⟪upper:24⟫.{upper:64}
Dynatrace | dt0s16.⟪upper:8⟫.{upper:64}
E2B | e2b_{hex:40}
EasyPost | EZAK{alnum:54}
EasyPost | EZTK{alnum:54}
ElevenLabs | sk_{hex:48}
Endor Labs | endr+{alnum:16}
Facebook | EAAC{alnum:150}
Facebook | EAAM{alnum:150}
Fal | {uuid}:{hex:32}
Figma | figd_{b64u:40}
Firebase | AAAA{b64u:7}:APA91b{b64u:134}
Firecrawl | fc-{hex:32}
Fireworks | fw_{alnum:24}
Fleetbase | flb_live_{alnum:20}
Flutterwave | FLWSECK-{hex:32}-X
Flutterwave | FLWSECK_TEST-{hex:32}-X
Fly.io | fm2_{b64:120}
Fly.io | fo1_{b64u:43}
Frame.io | fio-u-{b64u:64}
Friendli | flp_{alnum:46}
GitHub | ghp_{alnum:36}
GitHub | gho_{alnum:36}
GitHub | ghu_{alnum:36}
GitHub | ghs_{alnum:36}
GitHub | ghr_{alnum:76}
GitHub | github_pat_{alnum:22}_{alnum:59}
GitLab | glpat-{b64u:20}
GitLab | glpat-{b64u:27}.01.{lower:9}
GitLab | gldt-{b64u:20}
GitLab | glptt-{hex:40}
GitLab | GR1348941{b64u:20}
GitLab | glrt-t1_{b64u:27}.01.{lower:9}
GitLab | glcbt-64_{b64u:20}
GitLab | glft-{b64u:20}
GitLab | glimt-{lower:25}
GitLab | glagent-{b64u:50}
GitLab | gloas-{hex:64}
GitLab | glsoat-{b64u:20}
GitLab | glffct-{b64u:20}
GoCardless | live_{b64u:40}
Google | AIza{b64u:35}
Google | GOCSPX-{b64u:28}
Google | ya29.a0{b64u:180}
Google | 1//0{b64u:100}
Google | AQ.Ab{b64u:48}
Google Gemini | AIzaSy{b64u:33}
Grafana | glsa_{alnum:32}_{hex:8}
Grafana | glc_eyJ{b64:90}=
Grafana | eyJrIjoi{alnum:90}=
Groq | gsk_{alnum:52}
Harness | pat.{b64u:22}.{hex:24}.{alnum:20}
Helicone | sk-helicone-{lower:7}-{lower:7}-{lower:7}-{lower:7}
Heroku | HRKU-AA{b64u:58}
HubSpot | pat-na1-{uuid}
HubSpot | pat-eu1-{uuid}
HubSpot | CJ{b64u:80}
Hugging Face | hf_{alpha:34}
Hugging Face | api_org_{alpha:34}
Infracost | ico-{alnum:32}
Instagram | IGQV{alnum:150}
Intercom | dG9rOj{b64:54}=
Intra42 | s-s4t2ud-{hex:64}
Jina | jina_{hex:32}{b64u:28}
Keygen | prod-{hex:64}v3
Klaviyo | pk_{hex:34}
LangChain | lsv2_pt_{hex:32}_{hex:10}
LangChain | lsv2_sk_{hex:32}_{hex:10}
Langfuse | sk-lf-{uuid}
LaunchDarkly | api-{uuid}
LaunchDarkly | sdk-{uuid}
Linear | lin_api_{alnum:40}
Linear | lin_oauth_{hex:64}
LlamaCloud | llx-{alnum:48}
Lob | live_{hex:35}
Mailchimp | {hex:32}-us14
Mailchimp Transactional | md-{b64u:22}
Mailgun | key-{hex:32}
Mailgun | {hex:32}-{hex:8}-{hex:8}
MailerSend | mlsn.{hex:64}
Mapbox | sk.eyJ1Ijoi{alnum:62}.{b64u:22}
MaxMind | {alnum:6}_{alnum:29}_mmk
Mercury | secret-token:mercury_production_{alnum:44}_yrucrem
Microsoft Teams | https://acme.webhook.office.com/webhookb2/{uuid}@{uuid}/IncomingWebhook/{hex:32}/{uuid}
Midtrans | Mid-server-{b64u:24}
MongoDB Atlas | mdb_sa_sk_{b64u:40}
Neon | napi_{lower:64}
Netlify | nfp_{alnum:36}
New Relic | NRAK-{upper:27}
New Relic | NRII-{b64u:32}
New Relic | {hex:36}FFFFNRAL
ngrok | 2{alnum:26}_{alnum:21}
Notion | ntn_{digits:11}{alnum:35}
Notion | secret_{alnum:43}
npm | npm_{alnum:36}
NuGet | oy2{lower:43}
NVIDIA | nvapi-{b64u:64}
Octopus Deploy | API-{upper:26}
Okta | 00{b64u:40}
OneSignal | os_v2_app_{lower:100}
OpenAI | sk-proj-{b64u:74}T3BlbkFJ{b64u:74}
OpenAI | sk-{alnum:20}T3BlbkFJ{alnum:20}
OpenAI | sk-svcacct-{b64u:58}T3BlbkFJ{b64u:58}
OpenAI | sk-admin-{b64u:58}T3BlbkFJ{b64u:58}
OpenRouter | sk-or-v1-{hex:64}
OpenShift | sha256~{b64u:43}
Ory | ory_pat_{alnum:32}
Packagist | packagist_uut_{hex:68}
Paddle | pdl_live_apikey_{lower:26}_{alnum:22}_{alnum:3}
PagerDuty | u+{b64u:18}
PayPal Braintree | access_token$production$⟪lower:16⟫${hex:32}
Perplexity | pplx-{alnum:48}
Persona | persona_production_{uuid}
Pinecone | pcsk_{alnum:5}_{alnum:63}
Pinterest | pina_{upper:60}
Plaid | access-production-{uuid}
Plaid | access-sandbox-{uuid}
PlanetScale | pscale_tkn_{b64u:43}
PlanetScale | pscale_pw_{b64u:43}
PlanetScale | pscale_oauth_{b64u:43}
Polar | polar_oat_{alnum:43}
Postman | PMAK-{hex:24}-{hex:34}
PostHog | phx_{alnum:43}
PostHog | phc_{alnum:43}
Prefect | pnu_{alnum:36}
Pulumi | pul-{hex:40}
PyPI | pypi-AgEIcHlwaS5vcmc{b64u:150}
Ramp | ramp_sec_{alnum:48}
Razorpay | rzp_live_{alnum:14}
ReadMe | rdme_{lower:70}
Render | rnd_{alnum:28}
Replicate | r8_{alnum:37}
Resend | re_{alnum:8}_{alnum:24}
Retool | retool_01{lower:24}
Rootly | rootly_{hex:64}
RubyGems | rubygems_{hex:48}
RunPod | rpa_{upper:44}
Salesforce | 00D{alnum:12}!AQ{b64u:90}
Scaleway | SCW{upper:17}
Scalingo | tk-us-{b64u:48}
Segment | sgp_{alnum:64}
SendGrid | SG.{b64u:22}.{b64u:43}
Sentry | sntrys_eyJpYXQiO{b64:90}_{b64:43}
Sentry | sntryu_{hex:64}
SettleMint | sm_pat_{alnum:16}
Shippo | shippo_live_{hex:40}
Shopify | shpat_{hex:32}
Shopify | shpca_{hex:32}
Shopify | shppa_{hex:32}
Shopify | shpss_{hex:32}
Slack | xoxb-⟪digits:12⟫-⟪digits:13⟫-{alnum:24}
Slack | xoxp-⟪digits:12⟫-⟪digits:12⟫-⟪digits:13⟫-{hex:32}
Slack | xapp-1-A⟪upper:10⟫-⟪digits:13⟫-{hex:64}
Slack | xoxe.xoxp-1-{alnum:163}
Slack | xoxe-1-{alnum:146}
Slack | https://hooks.slack.com/services/T⟪upper:10⟫/B⟪upper:10⟫/{alnum:24}
Slack | xoxc-⟪digits:12⟫-⟪digits:12⟫-⟪digits:12⟫-{hex:64}
Snowflake | ver:1-hint:⟪digits:12⟫-ETMs{b64:120}
Snyk | snyk_uat.{hex:8}.{b64u:90}
SonarQube | squ_{hex:40}
SonarQube | sqp_{hex:40}
Sourcegraph | sgp_{hex:16}_{hex:40}
Spotify | BQ{b64u:150}
Square | sq0atp-{b64u:22}
Square | sq0csp-{b64u:43}
Square | EAAA{b64u:60}
StackHawk | hawk.{alnum:20}.{alnum:20}
Statsig | secret-{alnum:40}
Stripe | sk_live_{alnum:24}
Stripe | sk_test_51{alnum:97}
Stripe | rk_live_{alnum:24}
Stripe | whsec_{alnum:32}
Supabase | sbp_{hex:40}
Supabase | sb_secret_{b64u:22}_{alnum:8}
Tailscale | tskey-auth-{alnum:16}-{alnum:32}
Tailscale | tskey-api-{alnum:16}-{alnum:32}
Tavily | tvly-dev-{alnum:32}
Telegram | {digits:10}:AA{b64u:33}
Terraform Cloud | {alnum:14}.atlasv1.{b64u:67}
Thunderstore | tss_{alnum:32}
Together | tgp_v1_{b64u:43}
Trello | ATTA{hex:64}
Trigger.dev | tr_prod_{alnum:20}
TrueNAS | 2-{alnum:64}
Twilio | SK{hex:32}
Twitch | oauth:{lower:30}
Typeform | tfp_{b64u:44}_{b64u:14}
Unkey | unkey_{alnum:24}
Vault | hvs.{b64u:95}
Vault | hvb.{b64u:138}
Vault | hvr.{b64u:100}
Vercel | vcp_{alnum:56}
Vercel | vercel_blob_rw_{alnum:16}_{alnum:30}
Voyage AI | pa-{b64u:43}
Wakatime | waka_{uuid}
Weights & Biases | wandb_v1_{alnum:60}
WorkOS | sk_live_{alnum:60}
xAI | xai-{alnum:80}
Yandex | AQVN{b64u:36}
Yandex | t1.{b64u:100}.{b64u:86}
Yandex | y0_{b64u:58}
Zapier | sk-ak-{b64u:32}
Zuplo | zpka_{hex:32}_{hex:8}
Tencent Cloud | AKID{alnum:32}
Volcengine | AKLT{b64u:47}
Baidu Cloud | ALTAK-{alnum:21}
Ionic | ion_{alnum:42}
Telnyx | KEY0{HEX:31}_{alnum:22}
Logfire | pylf_v1_eu_{alnum:43}
Deno Deploy | ddp_{alnum:36}
dbt Cloud | dbtc_{b64u:40}
Mem0 | m0-{alnum:40}
Cartesia | sk_car_{alnum:22}
Moonshot | sk-{alnum:48}
Zhipu | {hex:32}.{alnum:16}
Coze | pat_{alnum:64}
Dify | app-{alnum:24}
Stytch | secret-live-{b64u:36}=
Liveblocks | sk_prod_{b64u:64}
Ably | ⟪b64u:6⟫.⟪b64u:6⟫:{b64u:43}
PubNub | sec-c-{b64:48}
Sanity | sk{alnum:178}
Ghost | ⟪hex:24⟫:{hex:64}
Wix | IST.eyJ{b64u:120}.{b64u:170}
Adyen | AQE{b64:80}
Mollie | live_{alnum:30}
Paystack | sk_live_{hex:40}
Xendit | xnd_production_{alnum:52}
Alchemy | alcht_{alnum:30}
Sentry | sntryi_{hex:64}
Discord webhook | https://discord.com/api/webhooks/⟪digits:18⟫/{b64u:68}
Telegram call | https://api.telegram.org/bot⟪digits:10⟫:AA{b64u:33}/sendMessage
Zapier webhook | https://hooks.zapier.com/hooks/catch/⟪digits:7⟫/{lower:7}/
Google Chat webhook | https://chat.googleapis.com/v1/spaces/AAAA⟪b64u:7⟫/messages?key=AIza{b64u:35}&token={b64u:43}
Power Automate | https://prod-12.westeurope.logic.azure.com:443/workflows/⟪hex:32⟫/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={b64u:43}
IFTTT webhook | https://maker.ifttt.com/trigger/door/with/key/{b64u:22}
Feishu webhook | https://open.feishu.cn/open-apis/bot/v2/hook/{uuid}
DingTalk webhook | https://oapi.dingtalk.com/robot/send?access_token={hex:64}
WeCom webhook | https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={uuid}
Opsgenie webhook | https://api.opsgenie.com/v1/json/datadog?apiKey={uuid}
Sentry DSN | https:¦//⟪hex:32⟫:{hex:32}@sentry.example.net/42
PostgreSQL URL | postgresql:¦//billing:{alnum:20}@db-3.internal:5432/billing?sslmode=require
MySQL URL | mysql:¦//root:{pass:14}@10.4.2.18/shop
MongoDB URL | mongodb+srv:¦//svc-report:{alnum:16}@cluster0.x7k2p.mongodb.net/reports
Redis URL | redis:¦//:{alnum:32}@cache.internal:6379/0
AMQP URL | amqps:¦//worker:{alnum:24}@mq.example.net/prod
SMTP URL | smtps:¦//mailer%40example.org:{alnum:16}@smtp.example.org:465
FTP URL | ftp:¦//deploy:{pass:12}@ftp.example.org/releases/
HTTP URL | https:¦//ci-bot:{alnum:40}@git.example.com/platform/infra.git
LDAP URL | ldap:¦//cn=admin,dc=example,dc=org:{alnum:12}@ldap.example.org
ClickHouse URL | clickhouse:¦//default:{pass:16}@ch.internal:9440/events?secure=true
S3 presigned | https://media.s3.eu-central-1.amazonaws.com/a/b.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260302T101500Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature={hex:64}
GCS signed | https://storage.googleapis.com/exports/q1.csv?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=3600&X-Goog-Signature={hex:256}
Azure SAS | https://acme.blob.core.windows.net/backups/db.bak?sv=2024-05-04&se=2026-04-01T00%3A00%3A00Z&sr=b&sp=r&sig={alnum:41}%3D
CloudFront signed | https://d111111abcdef8.cloudfront.net/v.m3u8?Expires=1772445600&Key-Pair-Id=K2JCJMDEHXQW5F&Signature={b64u:170}__
JWT HS256 | eyJ¦hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{b64u:90}.{b64u:43}
JWT RS256 | eyJ¦hbGciOiJSUzI1NiIsImtpZCI6Ijk3In0.eyJ{b64u:160}.{b64u:342}
JWT none | eyJ¦hbGciOiJub25lIn0.eyJ{b64u:60}.
JWE | eyJ¦hbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..{b64u:16}.{b64u:80}.{b64u:22}
JWT twice encoded | ZXlK¦aGJHY2lP¦aUpJVXpJMU5pSjk{b64:120}
PASETO | v2.local.{b64u:120}
Bearer | ‹Bearer› {alnum:40}
Basic | ‹Basic› {b64:32}
Digest | ‹Digest username="ann", realm="api", nonce="⟪hex:32⟫", uri="/v1",› response="{hex:32}"
AWS4 | ‹AWS4-HMAC-SHA256› Credential=AKIA{b32:16}‹/20260302/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date,› Signature={hex:64}
RSA key | ‹-----BEGIN RSA PRIVATE¦ KEY-----›\n{b64:64}\n{b64:64}\n{b64:40}==\n‹-----END RSA PRIVATE¦ KEY-----›
PKCS 8 | ‹-----BEGIN PRIVATE¦ KEY-----›\n{b64:64}\n{b64:64}\n{b64:60}\n‹-----END PRIVATE¦ KEY-----›
EC key | ‹-----BEGIN EC PRIVATE¦ KEY-----›\n{b64:64}\n{b64:64}\n{b64:34}==\n‹-----END EC PRIVATE¦ KEY-----›
OpenSSH key | ‹-----BEGIN OPENSSH PRIVATE¦ KEY-----›\nb3BlbnNzaC1rZXktdjEAAAAA{b64:46}\n{b64:70}\n{b64:70}\n‹-----END OPENSSH PRIVATE¦ KEY-----›
PGP key | ‹-----BEGIN PGP PRIVATE¦ KEY BLOCK-----›\n\n{b64:64}\n{b64:64}\n={b64:4}\n‹-----END PGP PRIVATE¦ KEY BLOCK-----›
PEM, no end | ‹-----BEGIN RSA PRIVATE¦ KEY-----›\n{b64:64}\n{b64:50}
PEM in one line | ‹-----BEGIN PRIVATE¦ KEY-----›\\n{b64:64}\\n{b64:64}\\n‹-----END PRIVATE¦ KEY-----›\\n
PuTTY key | ‹PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1›\n{b64:48}\n‹Private-MAC: ⟪hex:64⟫›
Shadow hash | $6$rounds=5000$⟪alnum:16⟫${b64:86}
bcrypt hash | $2b$12${alnum:53}
Argon2 hash | ‹$argon2id$v=19$m=65536,t=3,p=4$›⟪b64:22⟫${b64:43}
Django hash | pbkdf2_sha256$600000$⟪alnum:22⟫${b64:43}=
Cisco type 9 | $9$⟪alnum:14⟫${alnum:43}
Ansible vault | ‹$ANSIBLE_VAULT;1.1;AES256›\n{hex:80}\n{hex:80}
WireGuard | ‹PrivateKey› = {b64:43}=
"""

# Secrets that nothing but a vendor's name nearby tells: what it is called, and the form.
CONTEXT = r"""
AbuseIPDB | {hex:80}
AccuWeather | {alnum:32}
Adafruit | {hex:32}
Adzuna | {hex:32}
Agora | {hex:32}
Airbrake | {hex:32}
Airship | {b64u:91}
Aircall | {hex:32}
Alchemy | {b64u:32}
Algolia | {hex:32}
AlienVault | {hex:64}
Amadeus | {alnum:32}
Amplitude | {hex:32}
AppsFlyer | {alnum:22}
Asana | {hex:32}
AssemblyAI | {hex:32}
Auth0 | {b64u:64}
Ayrshare | {upper:7}-{upper:7}-{upper:7}-{upper:7}
BambooHR | {hex:40}
Bannerbear | {alnum:22}
Binance | {alnum:64}
Bitbucket | {alnum:32}
Bitly | {hex:40}
Bittrex | {hex:32}
Blynk | {b64u:32}
Box | {alnum:32}
Branch.io | {alnum:32}
BrowserStack | {alnum:20}
Bugsnag | {hex:32}
Calendarific | {hex:40}
Censys | {alnum:32}
CircleCI | {hex:40}
Clearbit | {hex:32}
Clockify | {alnum:48}
Cloudflare | {b64u:40}
Cloudinary | {b64u:27}
Codacy | {alnum:20}
Code Climate | {hex:64}
Codecov | {uuid}
Cohere | {alnum:40}
Coinbase | {b64u:64}
CoinMarketCap | {uuid}
ConfigCat | {b64u:22}
Confluent | {b64:64}
ConvertKit | {b64u:22}
Coveralls | {b64u:37}
Crowdin | {hex:80}
CurrencyLayer | {hex:32}
Datadog | {hex:32}
Datadog | {hex:40}
DeepAI | {uuid}
DeepL | {uuid}:fx
Deepgram | {hex:40}
Detectify | {hex:32}
Disqus | {alnum:64}
Drone CI | {alnum:32}
Dropbox | {alnum:15}
Dwolla | {alnum:50}
Eventbrite | {upper:20}
Expensify | {alnum:40}
Facebook | {hex:32}
Fastly | {b64u:32}
Filestack | {alnum:22}
Finnhub | {lower:20}
Fitbit | {hex:32}
Flickr | {hex:32}
FreshBooks | {hex:64}
Freshdesk | {alnum:20}
Genius | {b64u:64}
Giphy | {alnum:32}
GitHub | {hex:40}
Gitter | {hex:40}
Gumroad | {b64u:43}
HelpScout | {alnum:32}
Here | {b64u:43}
Heroku | {uuid}
Honeycomb | {alnum:22}
Hunter.io | {hex:40}
Imgur | {hex:40}
Infura | {hex:32}
Intercom | {b64:59}=
Ipstack | {hex:32}
Jenkins | {hex:32}
Jira | {alnum:24}
JotForm | {hex:32}
Kraken | {b64:86}==
KuCoin | {uuid}
LaunchDarkly | {b64u:40}
LinkedIn | {alnum:16}
Lokalise | {hex:40}
Loggly | {uuid}
Mailgun | {hex:32}
Mailjet | {hex:32}
Mapbox | {b64u:40}
Mapquest | {alnum:32}
Mattermost | {lower:26}
Meraki | {hex:40}
MessageBird | {alnum:25}
Mistral | {alnum:32}
Mixpanel | {hex:32}
Monday.com | {b64u:120}
NASA | {alnum:40}
Netlify | {b64u:43}
New York Times | {alnum:32}
NewsAPI | {hex:32}
Nexmo | {alnum:16}
Okta | {b64u:42}
Onfido | {b64u:32}
OpenCage | {hex:32}
OpenWeatherMap | {hex:32}
Opsgenie | {uuid}
PagerDuty | {b64u:20}
Pastebin | {hex:32}
PayPal | {b64u:80}
Pendo | {uuid}
Pingdom | {b64u:71}
Pipedrive | {hex:40}
Plaid | {hex:30}
Pocket | {hex:30}
Postmark | {uuid}
Pusher | {hex:20}
Railway | {uuid}
RapidAPI | {alnum:50}
Raygun | {alnum:22}
ReCAPTCHA | 6L{b64u:38}
Rollbar | {hex:32}
Salesforce | {upper:64}
Sauce Labs | {uuid}
ScrapingBee | {upper:80}
Segment | {alnum:32}
SendBird | {hex:40}
Sentry | {hex:64}
ServiceNow | {alnum:24}
Shodan | {alnum:32}
Snyk | {uuid}
Sonar | {hex:40}
SparkPost | {hex:40}
Splunk | {uuid}
Spotify | {hex:32}
Squarespace | {uuid}
Strava | {hex:40}
Sumo Logic | {alnum:64}
SurveyMonkey | {b64u:88}
Teamwork | {alnum:22}
TomTom | {alnum:32}
Travis CI | {b64u:22}
Trello | {hex:64}
Twilio | {hex:32}
Twitch | {lower:30}
Twitter | {alnum:50}
Twitter | {digits:19}-{alnum:40}
Unsplash | {b64u:43}
Vercel | {alnum:24}
VirusTotal | {hex:64}
Wakatime | {uuid}
Webflow | {hex:64}
Weights & Biases | {hex:40}
WePay | {hex:60}
Wistia | {hex:64}
Yelp | {b64u:128}
YouTrack | {alnum:60}
Zendesk | {alnum:40}
ZeroBounce | {hex:32}
Zoho | 1000.{hex:32}.{hex:32}
Zoom | {alnum:32}
"""


def table(text):
    """The rows of a table, as pairs."""
    rows = [line.split(" | ", 1) for line in text.strip().splitlines()]
    return [(vendor.strip(), form.strip().replace("\\n", "\n").replace("\\\n", "\\n")) for vendor, form in rows]


# Texts that a key may stand in without a name that gives it away: `¤` is the key.
PLACES = [
    "¤",
    "Use ¤ for the staging run, then close the ticket.",
    '{"note": "north gate", "value": "¤", "count": 7}',
    "2026-03-02T10:15:00.412Z INFO [gateway] accepted ¤ in 12ms from pool 4",
    "curl -s https://api.example.com/v1/items/¤/status | jq .state",
    "| staging | ¤ | active |\n| production | none | paused |",
    "items:\n  - harbour\n  - ¤\n  - lantern\n",
    "2026-03-02,deploy,¤,ok",
    "./run.sh --mode fast ¤ &",
    "printf '%s' '¤' > /run/seed",
    '<tr><td class="v">¤</td><td>north</td></tr>',
    'git commit -m "put ¤ into the pipeline"',
    'values = ["harbour", "¤", "lantern"]',
    "Error: 401 Unauthorized for ¤\n    at fetch (/app/src/http.js:118:13)\n    at process.run (node:internal/task:95:5)",
    "hier ist er: ¤ bitte danach gleich wegwerfen",
    "<config><place>north</place><value>¤</value></config>",
    '{"body": "{\\"v\\": \\"¤\\", \\"n\\": 4}", "status": 200}',
    "GET /callback?v=¤&page=2 HTTP/1.1",
    "-  value: ¤\n+  value: ${VALUE}\n   replicas: 3",
    "harbour\r\n¤\r\nlantern\r\n",
    "El valor es ¤ y caduca el viernes, gracias.",
    "we found it (see ¤) in the old wiki",
    "she wrote \u201c¤\u201d on the board",
    "The one for the harbour is ¤.",
    "docker run --rm -e V=¤ registry.example.com/app:1.4",
    "export V=¤; ./start.sh",
    "\u001b[32m¤\u001b[0m accepted",
    "\u5024\u306f ¤ \u3067\u3059\u3002\u660e\u65e5\u5909\u66f4\u3057\u307e\u3059\u3002",
    'v = "¤"\nregion = "eu-west-1"',
    'level=info msg="accepted" v=¤ dur=12ms',
    "INSERT INTO seeds VALUES (4, '¤', now());",
    "> ¤\n\nThanks, that worked on the second try.",
    "north\t¤\tlantern",
    "`¤` is what the console printed",
    "Client::new(\"https://api.example.com\", \"¤\").send().await?;",
    "\u0412\u043e\u0442 \u043e\u043d: ¤ \u2014 \u043f\u0440\u043e\u0432\u0435\u0440\u044c, \u043f\u043e\u0436\u0430\u043b\u0443\u0439\u0441\u0442\u0430.",
    '{"messages": [{"role": "user", "content": "my value: ¤, why is it refused?"}]}',
    "kubectl exec -it web-0 -- ./probe ¤ --verbose",
]

# Texts that hold a secret near a vendor: `¤` is the secret, `V` the vendor, `v` its name in small letters, `C` as a type.
NEAR = [
    "You can find the %V secret ¤ on the console",
    "%V API key\n¤\n",
    "%V token ¤",
    "our %V key ¤ runs out on Friday",
    "the key for %V, ¤, still works",
    "ask Miriam for the %V token (currently ¤)",
    "%vSECRET ¤",
    "%vACCESS_KEY ¤",
    "{‹%v secret ›¤}",
    "<secret>{‹%v ›¤}</secret>",
    "[INFO] Sending request to the %v API\n[DEBUG] Using Key=¤\n[INFO] Response received: 200 OK",
    "[DEBUG] Using %v KEY=¤\n[INFO] Response received: 200 OK",
    "%v_api = ¤",
    "%vKey ¤",
    "--%v-token ¤",
    "key for %V\t¤\tactive",
    "| %V key | ¤ | prod |",
    "# %V API token\n¤",
    "// %V access key, do not share\nconst value = '¤';",
    "cur¦l -u ¤: https://api.%v.com/v1/me",
    "%v login --with-token ¤",
    "%v auth ¤",
    "%C.init('¤', { region: 'eu' });",
    'client = %CClient("¤")',
    "new %C(appId, '¤')",
    "%v.configure(token, '¤')",
    "echo ¤ | %v login",
    "der %V-Schl\u00fcssel ¤ l\u00e4uft am Freitag ab",
    "la cl\u00e9 %V ¤ ne marche plus",
    "la clave de %V ¤ ya no funciona",
    "\u0442\u043e\u043a\u0435\u043d %V ¤ \u0431\u043e\u043b\u044c\u0448\u0435 \u043d\u0435 \u0440\u0430\u0431\u043e\u0442\u0430\u0435\u0442",
    "%V\u306e\u30ad\u30fc ¤ \u3092\u4f7f\u3063\u3066\u304f\u3060\u3055\u3044",
    '{"service": "%V", "kind": "api_key", "value": "¤"}',
    "https://api.%v.com/v2/items?k=¤&page=2",
    "%v: ¤",
    "%V (¤)",
]
