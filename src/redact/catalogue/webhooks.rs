//! Addresses whose path is the credential: whoever has them may post.

use crate::redact::class::Class;

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Key;

/// A host, in which `*` stands for anything, and how the path begins before the credential.
pub(crate) static WEBHOOKS: &[(&str, &str)] = &[
    ("hooks.slack.com", "/services/"),
    ("hooks.slack.com", "/workflows/"),
    ("hooks.slack.com", "/triggers/"),
    ("hooks.slack-gov.com", "/services/"),
    ("discord.com", "/api/webhooks/"),
    ("*.discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    ("outlook.office.com", "/webhook/"),
    ("outlook.office365.com", "/webhook/"),
    ("*webhook.office.com", "/webhookb2/"),
    ("hooks.zapier.com", "/hooks/catch/"),
    ("maker.ifttt.com", "/trigger/"),
    ("open.feishu.cn", "/open-apis/bot/v2/hook/"),
    ("open.larksuite.com", "/open-apis/bot/v2/hook/"),
    ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send?key="),
    ("oapi.dingtalk.com", "/robot/send?access_token="),
    ("hook*.make.com", "/"),
    ("*.pipedream.net", "/"),
    ("hooks.airtable.com", "/workflows/"),
    ("hooks.glip.com", "/webhook/"),
    ("events.pagerduty.com", "/integration/"),
    ("*n8n.cloud", "/webhook/"),
    ("hc-ping.com", "/"),
    ("cronitor.link", "/p/"),
    ("uptime.betterstack.com", "/api/v1/heartbeat/"),
    ("webhook.site", "/"),
    ("connect.pabbly.com", "/workflow/sendwebhookdata/"),
    ("discord.com", "/api/v10/webhooks/"),
    ("discord.com", "/api/v9/webhooks/"),
    ("discord.com", "/api/v8/webhooks/"),
];

/// How the path of a webhook begins at this host before the credential, if `path` is one.
pub(crate) fn beginning(host: &[u8], path: &[u8]) -> Option<&'static str> {
    // Most hosts end with another letter.
    let last = host.last().map(u8::to_ascii_lowercase);
    let may_be = |known: &str| known.ends_with('*') || known.bytes().last() == last;
    let is_host = |known: &str| match known.split_once('*') {
        Some((head, tail)) => {
            host.len() >= head.len() + tail.len()
                && host.starts_with(head.as_bytes())
                && host.ends_with(tail.as_bytes())
        }
        None => host.eq_ignore_ascii_case(known.as_bytes()),
    };
    // Of most addresses the path says that it is none, and is the cheaper to look at.
    let row = WEBHOOKS.iter().find(|(known, begins)| {
        path.starts_with(begins.as_bytes()) && may_be(known) && is_host(known)
    });
    row.map(|(_, begins)| *begins)
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_webhook_is_known_by_its_host_and_path() {
        for (host, path, begins) in [
            ("Hooks.Slack.com", "/services/T0", Some("/services/")),
            ("hooks.slack.com", "/help", None),
            ("ptb.discord.com", "/api/webhooks/1", Some("/api/webhooks/")),
            ("hook.eu1.make.com", "/a1", Some("/")),
            ("www.make.com", "/en", None),
            ("pipedream.net", "/a1", None),
            (
                "acme.webhook.office.com",
                "/webhookb2/a",
                Some("/webhookb2/"),
            ),
        ] {
            assert_eq!(
                beginning(host.as_bytes(), path.as_bytes()),
                begins,
                "{host}"
            );
        }
    }
}
