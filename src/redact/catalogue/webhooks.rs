//! Addresses whose path is the credential: whoever has them may post, or is served.

use crate::redact::class::Class;

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Key;

/// A row: a host, in which one `*` stands for anything, and how the path begins before the credential.
#[derive(Clone, Copy)]
pub(crate) struct Hook {
    pub(crate) host: &'static str,
    pub(crate) path: &'static str,
    /// Whose address it is, in the vendor's words.
    #[cfg(test)]
    pub(crate) whose: &'static str,
}

/// `whose` is for readers, and for the test of all rows: a binary does without it.
const fn hook(whose: &'static str, host: &'static str, path: &'static str) -> Hook {
    #[cfg(not(test))]
    let _ = whose;
    Hook {
        host,
        path,
        #[cfg(test)]
        whose,
    }
}

#[rustfmt::skip] // A row is one line.
pub(crate) static WEBHOOKS: &[Hook] = &[
    hook("Slack", "hooks.slack.com", "/services/"),
    hook("Slack workflow", "hooks.slack.com", "/workflows/"),
    hook("Slack workflow, a trigger", "hooks.slack.com", "/triggers/"),
    hook("Slack for governments", "hooks.slack-gov.com", "/services/"),
    hook("Discord", "discord.com", "/api/webhooks/"),
    hook("Discord, a test client", "*.discord.com", "/api/webhooks/"),
    hook("Discord, the former host", "discordapp.com", "/api/webhooks/"),
    hook("Office 365 connector", "outlook.office.com", "/webhook/"),
    hook("Office 365 connector", "outlook.office365.com", "/webhook/"),
    hook("Microsoft Teams", "*webhook.office.com", "/webhookb2/"),
    hook("Zapier", "hooks.zapier.com", "/hooks/catch/"),
    hook("IFTTT", "maker.ifttt.com", "/trigger/"),
    hook("Feishu", "open.feishu.cn", "/open-apis/bot/v2/hook/"),
    hook("Lark", "open.larksuite.com", "/open-apis/bot/v2/hook/"),
    hook("WeCom", "qyapi.weixin.qq.com", "/cgi-bin/webhook/send?key="),
    hook("DingTalk", "oapi.dingtalk.com", "/robot/send?access_token="),
    hook("Make", "hook*.make.com", "/"),
    hook("Pipedream", "*.pipedream.net", "/"),
    hook("Airtable", "hooks.airtable.com", "/workflows/"),
    hook("RingCentral, the former host", "hooks.glip.com", "/webhook/"),
    hook("PagerDuty", "events.pagerduty.com", "/integration/"),
    hook("n8n Cloud", "*n8n.cloud", "/webhook/"),
    hook("Healthchecks.io", "hc-ping.com", "/"),
    hook("Cronitor", "cronitor.link", "/p/"),
    hook("Better Stack", "uptime.betterstack.com", "/api/v1/heartbeat/"),
    hook("Webhook.site", "webhook.site", "/"),
    hook("Pabbly Connect", "connect.pabbly.com", "/workflow/sendwebhookdata/"),
    hook("Discord, API 10", "discord.com", "/api/v10/webhooks/"),
    hook("Discord, API 9", "discord.com", "/api/v9/webhooks/"),
    hook("Discord, API 8", "discord.com", "/api/v8/webhooks/"),
    hook("Atlassian Automation", "automation.atlassian.com", "/pro/hooks/"),
    hook("Atlassian Automation", "api-private.atlassian.com", "/automation/webhooks/"),
    hook("Netlify build hook", "api.netlify.com", "/build_hooks/"),
    hook("Vercel deploy hook", "api.vercel.com", "/v1/integrations/deploy/"),
    hook("Render deploy hook", "api.render.com", "/deploy/"),
    hook("Cloudflare Pages deploy hook", "api.cloudflare.com", "/client/v4/pages/webhooks/deploy_hooks/"),
    hook("UptimeRobot heartbeat", "heartbeat.uptimerobot.com", "/"),
    hook("Splunk On-Call", "alert.victorops.com", "/integrations/generic/20131114/alert/"),
    hook("Workato", "webhooks.workato.com", "/webhooks/rest/"),
    hook("Make, as Integromat", "hook.integromat.com", "/"),
    hook("Webex", "webexapis.com", "/v1/webhooks/incoming/"),
    hook("RingCentral", "hooks.ringcentral.com", "/webhook/"),
    hook("Guilded", "media.guilded.gg", "/webhooks/"),
    hook("Flock", "api.flock.com", "/hooks/sendMessage/"),
    hook("Home Assistant Cloud", "hooks.nabu.casa", "/"),
    hook("Zapier, a catch of another kind", "hooks.zapier.com", "/hooks/standard/"),
    hook("ClickUp", "hooks.clickup.com", "/v1/"),
    hook("Tray.io", "hooks.tray.io", "/"),
    hook("Discord, API 11", "discord.com", "/api/v11/webhooks/"),
    hook("Alchemy, whose key is in the path", "*.g.alchemy.com", "/v2/"),
    hook("Infura, whose key is in the path", "*.infura.io", "/v3/"),
    hook("QuickNode, whose key is the path", "*.quiknode.pro", "/"),
    hook("Ankr, whose key is in the path", "rpc.ankr.com", "/"),
    hook("Chainstack, whose key is the path", "*.p2pify.com", "/"),
    hook("Loggly", "logs-*.loggly.com", "/inputs/"),
    hook("Sumo Logic HTTP source", "*.sumologic.com", "/receiver/v1/http/"),
    hook("Bark", "api.day.app", "/"),
    hook("ServerChan", "sctapi.ftqq.com", "/"),
    hook("Pushcut", "api.pushcut.io", "/"),
    hook("Better Stack, the former host", "betteruptime.com", "/api/v1/heartbeat/"),
];

/// The rows whose path goes on with this letter behind its `/`, or is nothing more: a bit for each row.
static BY_LETTER: [u64; 32] = by_letter();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn by_letter() -> [u64; 32] {
    assert!(WEBHOOKS.len() <= u64::BITS as usize);
    let mut table = [0; 32];
    let mut row = 0;
    while row < WEBHOOKS.len() {
        let path = WEBHOOKS[row].path.as_bytes();
        let mut letter = 0;
        while letter < table.len() {
            if path.len() == 1 || path[1] as usize % table.len() == letter {
                table[letter] |= 1 << row;
            }
            letter += 1;
        }
        row += 1;
    }
    table
}

/// How the path of a webhook begins at this host before the credential, if `path` is one.
pub(crate) fn beginning(host: &[u8], path: &[u8]) -> Option<&'static str> {
    let is_host = |known: &str| match known.split_once('*') {
        Some((head, tail)) => {
            host.len() >= head.len() + tail.len()
                && host.starts_with(head.as_bytes())
                && host.ends_with(tail.as_bytes())
        }
        None => host.eq_ignore_ascii_case(known.as_bytes()),
    };
    // Of most addresses the path says that it is none, and is the cheaper to look at.
    let letter = usize::from(path.get(1).copied().unwrap_or(0)) % BY_LETTER.len();
    let mut rows = BY_LETTER.get(letter).copied().unwrap_or(0);
    while rows != 0 {
        let hook = WEBHOOKS.get(rows.trailing_zeros() as usize)?;
        let ends_alike = || {
            let ends = (hook.host.as_bytes().last(), host.last());
            matches!(ends, (Some(known), Some(last)) if known.eq_ignore_ascii_case(last))
        };
        if path.starts_with(hook.path.as_bytes()) && ends_alike() && is_host(hook.host) {
            return Some(hook.path);
        }
        rows &= rows - 1;
    }
    None
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
