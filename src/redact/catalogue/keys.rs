//! The prefixes of providers' keys, in tables that tell with one look that none begins here.

use Tail::{Any, Capital, Hex, Random, Strong};

/// How much a tail must look like a key. The more a prefix looks like a word, the more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The prefix says it all.
    Any,
    /// A digit, or capital and small letters mixed.
    Random,
    /// Digits and both cases, or a long run of hexadecimal digits.
    Strong,
    /// Hexadecimal digits only, perhaps with dashes.
    Hex,
    /// Capital letters and digits, perhaps with dashes.
    Capital,
}

/// A provider's prefix, the shortest tail that is taken for a key, and what the tail must look like.
pub(crate) struct Prefix(pub(crate) &'static str, pub(crate) u8, pub(crate) Tail);

/// In the order of their bytes, which the tests check: only those with nearly the same first two are compared.
///
/// From the vendors' own descriptions of their formats and the registries of secret scanners.
#[rustfmt::skip]
pub(crate) static PREFIXES: &[Prefix] = &[
    Prefix("A3-", 20, Capital), Prefix("A3T", 15, Strong), Prefix("AAAAAAAAAAAAAAAAAAAA", 24, Random), Prefix("ABIA", 12, Any), Prefix("ABSK", 40, Random), Prefix("ACCA", 12, Any),
    Prefix("AGE-SECRET-KEY-1", 10, Any), Prefix("AIK_", 16, Random), Prefix("AIza", 16, Random), Prefix("AKCp", 20, Strong), Prefix("AKIA", 8, Any), Prefix("AKID", 24, Strong),
    Prefix("AKLT", 30, Strong), Prefix("ALTAK-", 10, Random), Prefix("APA91b", 60, Strong), Prefix("API-", 24, Capital), Prefix("AQ.", 20, Random), Prefix("AQE", 40, Strong),
    Prefix("AQVN", 30, Random), Prefix("ASIA", 8, Any), Prefix("ATATT3", 12, Random), Prefix("ATBB", 16, Random), Prefix("ATCTT3", 12, Random), Prefix("ATTA", 24, Random),
    Prefix("AVNS_", 12, Random), Prefix("BSA", 24, Strong), Prefix("CCDB1_", 12, Random), Prefix("CCIPAT_", 12, Random), Prefix("CCIPRJ_", 12, Random), Prefix("CFPAT-", 12, Random),
    Prefix("CLOJARS_", 12, Random), Prefix("EAA", 40, Strong), Prefix("EZAK", 20, Strong), Prefix("EZTK", 20, Strong), Prefix("FLWSECK", 12, Random),
    Prefix("GOCSPX-", 10, Random), Prefix("GR1348941", 10, Any), Prefix("HRKU-", 10, Random), Prefix("IGQV", 40, Strong),
    Prefix("LTAI", 10, Random), Prefix("NRAK-", 10, Random), Prefix("NRBR-", 10, Random), Prefix("NRII-", 10, Random), Prefix("NRIQ-", 10, Random), Prefix("NRJS-", 10, Random),
    Prefix("NRRA-", 10, Random), Prefix("NRSP-", 10, Random), Prefix("PMAK-", 12, Random), Prefix("SK", 16, Hex), Prefix("WPL_AP1.", 12, Random),
    Prefix("access-development-", 12, Random), Prefix("access-production-", 12, Random), Prefix("access-sandbox-", 12, Random), Prefix("age-secret-key-1", 10, Any), Prefix("aio_", 14, Strong),
    Prefix("ak-", 20, Strong), Prefix("akab-", 24, Random), Prefix("api-", 36, Hex), Prefix("api_live.", 20, Random), Prefix("api_org_", 16, Random), Prefix("api_sandbox.", 20, Random),
    Prefix("apify_api_", 10, Random), Prefix("apikey-", 20, Strong), Prefix("as-", 20, Strong), Prefix("bb_live_", 10, Random), Prefix("bb_test_", 10, Random),
    Prefix("bedrock-api-key-", 10, Random), Prefix("bkaj_", 12, Random), Prefix("bkct_", 20, Random), Prefix("bkua_", 12, Random),
    Prefix("cal_live_", 12, Random), Prefix("cfat_", 12, Random), Prefix("cfut_", 12, Random), Prefix("cio", 16, Strong), Prefix("cmVmd", 40, Strong), Prefix("csk-", 14, Random),
    Prefix("ctx7sk-", 10, Random), Prefix("cur_", 40, Strong), Prefix("dG9rO", 40, Strong), Prefix("dapi", 16, Hex), Prefix("dbtc_", 20, Random), Prefix("dbtu_", 20, Random),
    Prefix("dckr_oat_", 10, Random), Prefix("dckr_pat_", 10, Random), Prefix("ddapp_", 20, Random), Prefix("ddp_", 24, Random), Prefix("dkea", 20, Hex), Prefix("dnkey-", 20, Random),
    Prefix("doo_v1_", 10, Random), Prefix("dop_v1_", 10, Random), Prefix("dor_v1_", 10, Random), Prefix("dose", 24, Hex), Prefix("dp.audit.", 12, Random), Prefix("dp.ct.", 12, Random),
    Prefix("dp.pt.", 12, Random), Prefix("dp.sa.", 12, Random), Prefix("dp.scim.", 12, Random), Prefix("dp.st.", 12, Random), Prefix("dsapi_", 20, Random), Prefix("dt0c01.", 12, Random),
    Prefix("dt0s01.", 12, Random), Prefix("dt0s02.", 12, Random), Prefix("duffel_live_", 10, Random), Prefix("duffel_test_", 10, Random),
    Prefix("e2b_", 20, Random), Prefix("esecret_", 16, Random), Prefix("expo_", 30, Strong), Prefix("fc-", 16, Hex), Prefix("figd_", 12, Random), Prefix("figdr_", 12, Random),
    Prefix("figo_", 12, Random), Prefix("figoh_", 12, Random), Prefix("figor_", 12, Random), Prefix("figu_", 12, Random), Prefix("figur_", 12, Random), Prefix("fio-u-", 16, Random),
    Prefix("fm1a_", 16, Random), Prefix("fm1r_", 16, Random), Prefix("fm2_", 16, Random), Prefix("fo1_", 16, Random), Prefix("fw_", 12, Strong),
    Prefix("gho_", 10, Random), Prefix("ghp_", 10, Random), Prefix("ghr_", 10, Random), Prefix("ghs_", 10, Random), Prefix("ghu_", 10, Random), Prefix("github_pat_", 10, Random),
    Prefix("glagent-", 12, Random), Prefix("glc_", 16, Random), Prefix("glcbt-", 12, Random), Prefix("gldt-", 12, Random), Prefix("glffct-", 12, Random), Prefix("glft-", 12, Random),
    Prefix("glimt-", 12, Random), Prefix("gloas-", 12, Random), Prefix("glpat-", 10, Random), Prefix("glptt-", 12, Random), Prefix("glrt-", 12, Random), Prefix("glrtr-", 12, Random),
    Prefix("glsa_", 12, Random), Prefix("glsoat-", 12, Random), Prefix("glwt-", 12, Random), Prefix("gsk_", 16, Random), Prefix("hcaik_", 12, Random), Prefix("hcamk_", 12, Random),
    Prefix("hcaxk_", 12, Random), Prefix("hf_", 12, Random), Prefix("hvb.", 16, Random), Prefix("hvr.", 16, Random), Prefix("hvs.", 16, Random), Prefix("hxtp_", 20, Random),
    Prefix("ico-", 24, Strong), Prefix("jina_", 16, Random), Prefix("jsrp_", 16, Random), Prefix("key-", 16, Hex), Prefix("key_", 20, Hex),
    Prefix("lin_api_", 10, Random), Prefix("lin_oauth_", 10, Random), Prefix("lin_wh_", 10, Random), Prefix("live_", 30, Strong), Prefix("llx-", 16, Random), Prefix("ls__", 16, Random),
    Prefix("lsv2_pt_", 10, Random), Prefix("lsv2_sk_", 10, Random), Prefix("m0-", 24, Strong), Prefix("mb_", 30, Strong), Prefix("md-", 20, Strong), Prefix("mdb_sa_sk_", 12, Random),
    Prefix("mka_", 20, Random), Prefix("mlsn.", 20, Random), Prefix("mob-", 36, Hex), Prefix("napi_", 14, Random), Prefix("nfb_", 20, Random), Prefix("nfc_", 20, Random),
    Prefix("nfo_", 20, Random), Prefix("nfp_", 14, Random), Prefix("nfu_", 20, Random), Prefix("npm_", 12, Random), Prefix("ntn_", 14, Random), Prefix("nvapi-", 12, Random),
    Prefix("ops_eyJ", 20, Random), Prefix("ory_at_", 12, Random), Prefix("ory_pat_", 12, Random), Prefix("ory_st_", 12, Random), Prefix("os_v2_app_", 12, Random), Prefix("oy2", 20, Random),
    Prefix("p8e-", 20, Random), Prefix("pa-", 30, Strong), Prefix("packagist_", 20, Random), Prefix("pat-ap1-", 12, Random), Prefix("pat-eu1-", 12, Random), Prefix("pat-na1-", 12, Random),
    Prefix("pat-na2-", 12, Random), Prefix("pat.", 30, Strong), Prefix("pcsk_", 12, Random), Prefix("pdl_live_", 20, Strong), Prefix("pdl_sdbx_", 20, Strong), Prefix("pha_", 20, Random),
    Prefix("phc_", 20, Random), Prefix("phr_", 20, Random), Prefix("phs_", 20, Random), Prefix("phx_", 12, Random), Prefix("pina_", 20, Strong), Prefix("pnb_", 20, Random),
    Prefix("pnu_", 14, Random), Prefix("polar_", 20, Random), Prefix("pplx-", 12, Random), Prefix("private_", 24, Strong), Prefix("pscale_oauth_", 10, Random), Prefix("pscale_pw_", 10, Random),
    Prefix("pscale_tkn_", 10, Random), Prefix("pul-", 16, Hex), Prefix("pypi-", 16, Random), Prefix("r8_", 16, Random), Prefix("rdme_", 20, Random), Prefix("re_", 14, Strong),
    Prefix("reo_", 12, Random), Prefix("rk_live_", 8, Random), Prefix("rk_test_", 8, Random), Prefix("rnd_", 20, Strong), Prefix("rootly_", 20, Random), Prefix("rpa_", 24, Random),
    Prefix("rubygems_", 12, Random), Prefix("rzp_live_", 10, Random), Prefix("rzp_test_", 10, Random), Prefix("s-s4t2ud-", 20, Hex), Prefix("sat.", 30, Strong), Prefix("sb_secret_", 10, Random),
    Prefix("sbp_", 16, Random), Prefix("sdk-", 36, Hex), Prefix("sec_", 30, Strong), Prefix("secret-", 24, Strong), Prefix("secret-live-", 12, Random), Prefix("secret-test-", 12, Random),
    Prefix("secret_", 18, Strong), Prefix("sess-", 20, Strong), Prefix("sgd_", 24, Random), Prefix("sgp_", 14, Random), Prefix("shippo_live_", 12, Random), Prefix("shippo_test_", 12, Random),
    Prefix("shpat_", 12, Random), Prefix("shpca_", 12, Random), Prefix("shppa_", 12, Random), Prefix("shpss_", 12, Random), Prefix("shptka_", 12, Random), Prefix("signkey-", 20, Random), Prefix("sk-", 14, Random),
    Prefix("sk-ant-", 8, Random), Prefix("sk-helicone-", 10, Random), Prefix("sk.eyJ", 20, Random), Prefix("sk_", 16, Strong), Prefix("sk_car_", 12, Random), Prefix("sk_dev_", 16, Random),
    Prefix("sk_live_", 8, Random), Prefix("sk_prod_", 16, Random), Prefix("sk_sbox_", 16, Random), Prefix("sk_staging_", 16, Random), Prefix("sk_test_", 8, Random), Prefix("sl.", 40, Strong),
    Prefix("slk_", 30, Random), Prefix("sntrya_", 12, Random), Prefix("sntryi_", 12, Random), Prefix("sntrys_", 12, Random), Prefix("sntryu_", 12, Random), Prefix("snyk_", 14, Random),
    Prefix("sq0atp-", 10, Random), Prefix("sq0csp-", 10, Random), Prefix("sqa_", 20, Random), Prefix("sqp_", 20, Random), Prefix("squ_", 14, Random), Prefix("ste-", 30, Strong),
    Prefix("t1.", 60, Strong), Prefix("test_", 30, Strong), Prefix("tfp_", 14, Random), Prefix("tgp_v1_", 10, Random), Prefix("tk-us-", 20, Random), Prefix("tk.eyJ", 20, Random),
    Prefix("tskey-", 12, Random), Prefix("tvly-", 12, Random), Prefix("u-s4t2ud-", 20, Hex), Prefix("v1.0-", 24, Hex), Prefix("vca_", 20, Random), Prefix("vci_", 20, Random),
    Prefix("vck_", 20, Random), Prefix("vcp_", 14, Random), Prefix("vcr_", 20, Random), Prefix("vercel_blob_rw_", 10, Random),
    Prefix("waka_", 14, Random), Prefix("wandb_v1_", 12, Random), Prefix("whsec_", 10, Random), Prefix("xai-", 16, Random), Prefix("xapp-", 10, Random), Prefix("xau_", 20, Random),
    Prefix("xkeysib-", 12, Random), Prefix("xox", 12, Random), Prefix("xsmtpsib-", 12, Random), Prefix("xwfp-", 12, Random),
    Prefix("y0_", 24, Strong), Prefix("ya29.", 12, Random), Prefix("zpka_", 20, Random),
];

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
        let text = PREFIXES[index].0.as_bytes();
        let pair = (text[0] as usize) << 8 | text[1] as usize;
        bits[pair / 64] |= 1 << (pair % 64);
        index += 1;
    }
    bits
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
            let text = PREFIXES[index].0.as_bytes();
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
        let text = PREFIXES[index].0.as_bytes();
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
    fn prefixes_are_in_order_and_distinct() {
        for pair in PREFIXES.windows(2) {
            assert!(
                pair[0].0.as_bytes() < pair[1].0.as_bytes(),
                "{} {}",
                pair[0].0,
                pair[1].0
            );
        }
        assert!(PREFIXES.len() >= 75);
    }
}
