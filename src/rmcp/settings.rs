//! The settings of an instrumentation.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use ::rmcp::RoleServer;
use ::rmcp::service::RequestContext;

use crate::base::panics;
use crate::event::{Caller, Identity};
use crate::mcp::arguments::ArgumentSettings;
use crate::mcp::client_address::ClientAddress;
use crate::mcp::intent;

use sealed::Failed;

#[derive(Clone)]
pub(super) struct InstrumentationSettings {
    pub(super) intent: bool,
    /// `None`: the name that the wire has for it.
    pub(super) intent_name: Option<String>,
    pub(super) intent_description: Cow<'static, str>,
    pub(super) native_intent: Option<String>,
    pub(super) arguments: ArgumentSettings,
    pub(super) results: bool,
    pub(super) tools_list: bool,
    pub(super) sessions: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
    pub(super) logins: bool,
    pub(super) missing_capability: bool,
    pub(super) transport: Cow<'static, str>,
    pub(super) client_address: ClientAddress,
    identify: Option<Identify>,
}

type Identify =
    Arc<dyn Fn(&RequestContext<RoleServer>) -> Result<Option<Caller>, Failed> + Send + Sync>;

impl Default for InstrumentationSettings {
    fn default() -> Self {
        Self {
            intent: true,
            intent_name: None,
            intent_description: Cow::Borrowed(intent::DESCRIPTION),
            native_intent: None,
            arguments: ArgumentSettings::default(),
            results: false,
            tools_list: true,
            sessions: false,
            prompts: false,
            resources: false,
            logins: true,
            missing_capability: false,
            transport: Cow::Borrowed("stdio"),
            client_address: ClientAddress::default(),
            identify: None,
        }
    }
}

impl InstrumentationSettings {
    /// Returns the default settings. A server may be made for each request, so they are built once.
    pub(super) fn shared_default() -> Arc<Self> {
        static DEFAULT: LazyLock<Arc<InstrumentationSettings>> = LazyLock::new(Arc::default);
        Arc::clone(&DEFAULT)
    }

    pub(super) fn identify<F, C>(&mut self, identify: F)
    where
        F: Fn(&RequestContext<RoleServer>) -> C + Send + Sync + 'static,
        C: IntoCaller,
    {
        self.identify = Some(Arc::new(move |context| identify(context).into_caller()));
    }

    /// Asks the closure, if there is one.
    pub(super) fn ask(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Option<Result<Option<Caller>, Failed>> {
        let identify = self.identify.as_ref()?;
        Some(panics::catch(|| identify(context)).unwrap_or(Err(Failed)))
    }
}

/// What a closure of [`identify`](super::Instrumentation::identify) may return: an
/// [`Identity`] or a [`Caller`] in an `Option`, or in a `Result` of one. Sealed.
pub trait IntoCaller: sealed::Sealed {}

impl<T: sealed::Sealed> IntoCaller for T {}

mod sealed {
    #![expect(
        unnameable_types,
        reason = "seals the trait, which is not for users to implement"
    )]

    use super::{Caller, Identity};

    /// The host could not name the user.
    #[derive(Debug)]
    pub struct Failed;

    pub trait Sealed {
        fn into_caller(self) -> Result<Option<Caller>, Failed>;
    }

    impl Sealed for Option<Identity<'static>> {
        fn into_caller(self) -> Result<Option<Caller>, Failed> {
            Ok(self.map(Caller::from))
        }
    }

    impl Sealed for Option<Caller> {
        fn into_caller(self) -> Result<Option<Caller>, Failed> {
            Ok(self)
        }
    }

    impl<T: Sealed, E> Sealed for Result<T, E> {
        fn into_caller(self) -> Result<Option<Caller>, Failed> {
            self.map_or(Err(Failed), Sealed::into_caller)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Sealed;
    use super::*;

    fn id(caller: impl Sealed) -> Result<Option<String>, ()> {
        let caller = caller.into_caller().map_err(|Failed| ())?;
        Ok(caller.map(|caller| caller.identity().id().to_owned()))
    }

    #[test]
    fn nobody_is_no_failure_in_any_form_of_an_answer() {
        let rachel = || Identity::email("rachel@example.com");
        let named = || Ok(Some("rachel@example.com".to_owned()));
        assert_eq!(id(Some(rachel())), named());
        assert_eq!(id(Some(Caller::new(rachel()))), named());
        assert_eq!(id(Ok::<_, String>(Some(rachel()))), named());
        assert_eq!(id(Ok::<_, String>(Ok::<_, u8>(Some(rachel())))), named());
        assert_eq!(id(None::<Identity<'static>>), Ok(None));
        assert_eq!(id(Ok::<_, String>(None::<Caller>)), Ok(None));
        assert_eq!(id(Err::<Option<Caller>, _>("down")), Err(()));
        assert_eq!(id(Ok::<_, u8>(Err::<Option<Caller>, _>("down"))), Err(()));
    }
}
