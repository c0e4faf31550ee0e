//! The server around the server: every method passes through, and some leave a record.

use std::borrow::Cow;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;

use ::rmcp::model::*;
use ::rmcp::service::{MaybeSendFuture, NotificationContext, RequestContext, SubscriptionContext};
use ::rmcp::{ErrorData, RoleServer, ServerHandler};

use super::call_meta::CallMeta;
use super::instrumentation::Instrumented;
use super::settings::InstrumentationSettings;

/// Methods that pass through as they are. Not `async fn`: nothing is added to their futures.
macro_rules! pass_through {
    ($($method:ident($($argument:ident: $type:ty),*) -> $output:ty;)+) => {$(
        fn $method(
            &self,
            $($argument: $type),*
        ) -> impl Future<Output = $output> + MaybeSendFuture + '_ {
            self.inner.$method($($argument),*)
        }
    )+};
}

// A method added to the trait would otherwise silently answer "method not found" in the server's
// place.
#[deny(clippy::missing_trait_methods)]
#[expect(
    deprecated,
    reason = "a wrapper passes on what its server still offers"
)]
impl<H: ServerHandler> ServerHandler for Instrumented<H> {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match self.recorder() {
            Some(recorder) => recorder.record_call(request, context).await,
            None => {
                context.extensions.insert(CallMeta::default());
                self.inner.call_tool(request, context).await
            }
        }
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let Some(recorder) = self.recorder() else {
            return self.inner.list_tools(request, context).await;
        };
        // The context is needed once the server has consumed it.
        let asked = context.clone();
        let mut result = self.inner.list_tools(request, context).await?;
        let incoming = recorder.read(&asked);
        let facts = incoming.facts();
        recorder.log_login(&incoming, &facts, recorder.now());
        recorder.on_listing(&mut result, facts);
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        match self.recorder() {
            Some(recorder) => recorder.shown_tool(name),
            None => self.inner.get_tool(name),
        }
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.recorder().is_none() {
            return self.inner.initialize(request, context).await;
        }
        let wants = |settings: &InstrumentationSettings| settings.sessions || settings.logins;
        let Some(recorder) = self.recorder_if(wants) else {
            let result = self.inner.initialize(request, context).await;
            self.initialized.store(result.is_ok(), Relaxed);
            return result;
        };
        let asked = context.clone();
        let client = request.client_info.clone();
        let result = self.inner.initialize(request, context).await?;
        self.initialized.store(true, Relaxed);
        recorder.on_initialize(&asked, &client, &result);
        Ok(result)
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        if let Some(recorder) = self.recorder_if(|settings| settings.logins) {
            let incoming = recorder.read(&context);
            recorder.log_login(&incoming, &incoming.facts(), recorder.now());
        }
        self.inner.discover(context).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let open = self
            .recorder_if(|settings| settings.prompts)
            .map(|recorder| {
                recorder.open_request("MCP_PROMPT_GET", ("prompt_name", &request.name), &context)
            });
        let result = self.inner.get_prompt(request, context).await;
        if let Some(open) = open {
            open.end(&result);
        }
        result
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let open = self
            .recorder_if(|settings| settings.resources)
            .map(|recorder| {
                recorder.open_request(
                    "MCP_RESOURCE_READ",
                    ("resource_uri", &request.uri),
                    &context,
                )
            });
        let result = self.inner.read_resource(request, context).await;
        if let Some(open) = open {
            open.end(&result);
        }
        result
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.inner.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.inner.accepted_subscription_filter(requested)
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    pass_through! {
        ping(context: RequestContext<RoleServer>) -> Result<(), ErrorData>;
        complete(request: CompleteRequestParams, context: RequestContext<RoleServer>)
            -> Result<CompleteResult, ErrorData>;
        set_level(request: SetLevelRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        list_prompts(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListPromptsResult, ErrorData>;
        list_resources(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListResourcesResult, ErrorData>;
        list_resource_templates(
            request: Option<PaginatedRequestParams>,
            context: RequestContext<RoleServer>
        ) -> Result<ListResourceTemplatesResult, ErrorData>;
        listen(context: SubscriptionContext) -> Result<(), ErrorData>;
        subscribe(request: SubscribeRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        unsubscribe(request: UnsubscribeRequestParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        on_custom_request(request: CustomRequest, context: RequestContext<RoleServer>)
            -> Result<CustomResult, ErrorData>;
        on_cancelled(
            notification: CancelledNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_progress(
            notification: ProgressNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_initialized(context: NotificationContext<RoleServer>) -> ();
        on_roots_list_changed(context: NotificationContext<RoleServer>) -> ();
        on_custom_notification(
            notification: CustomNotification,
            context: NotificationContext<RoleServer>
        ) -> ();
        get_task(request: GetTaskParams, context: RequestContext<RoleServer>)
            -> Result<GetTaskResult, ErrorData>;
        update_task(request: UpdateTaskParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        cancel_task(request: CancelTaskParams, context: RequestContext<RoleServer>)
            -> Result<(), ErrorData>;
        list_skills(request: Option<PaginatedRequestParams>, context: RequestContext<RoleServer>)
            -> Result<ListSkillsResult, ErrorData>;
        get_skill(request: GetSkillRequestParams, context: RequestContext<RoleServer>)
            -> Result<GetSkillResult, ErrorData>;
        read_resource_directory(
            request: ReadResourceDirectoryRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<ReadResourceDirectoryResult, ErrorData>;
    }
}
