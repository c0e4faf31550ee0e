//! Addresses whose path is the credential: whoever has them may post.

/// A host, or the end of one behind a dot, and how the path begins before the credential.
pub(crate) static WEBHOOKS: &[(&str, &str)] = &[
    ("hooks.slack.com", "/services/"),
    ("hooks.slack.com", "/workflows/"),
    ("hooks.slack.com", "/triggers/"),
    ("hooks.slack-gov.com", "/services/"),
    ("discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    ("ptb.discord.com", "/api/webhooks/"),
    ("canary.discord.com", "/api/webhooks/"),
    ("outlook.office.com", "/webhook/"),
    ("outlook.office365.com", "/webhook/"),
    ("webhook.office.com", "/webhookb2/"),
    ("hooks.zapier.com", "/hooks/catch/"),
    ("maker.ifttt.com", "/trigger/"),
    ("open.feishu.cn", "/open-apis/bot/v2/hook/"),
    ("open.larksuite.com", "/open-apis/bot/v2/hook/"),
    ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send?key="),
    ("oapi.dingtalk.com", "/robot/send?access_token="),
    ("make.com", "/"),
    ("pipedream.net", "/"),
    ("hooks.airtable.com", "/workflows/"),
];
