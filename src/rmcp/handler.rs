//! The wrapper around a server: every method passes through, and some are recorded.

use std::borrow::Cow;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;

use ::rmcp::model::*;
use ::rmcp::service::{MaybeSendFuture, NotificationContext, RequestContext, SubscriptionContext};
use ::rmcp::{ErrorData, RoleServer, ServerHandler};

use super::instrumentation::Instrumented;
use super::listing::AskedPage;
use super::open_request::{Asked, OpenRequest};
use super::settings::InstrumentationSettings;

type Context = RequestContext<RoleServer>;
type Page = Option<PaginatedRequestParams>;
type McpResult<T> = Result<T, ErrorData>;

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
    fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> impl Future<Output = McpResult<CallToolResponse>> + MaybeSendFuture + '_ {
        self.record_call(request, context)
    }

    async fn list_tools(&self, request: Page, mut context: Context) -> McpResult<ListToolsResult> {
        let Some(recorder) = self.recorder() else {
            return self.inner.list_tools(request, context).await;
        };
        let cursor = request.as_ref().and_then(|page| page.cursor.as_ref());
        let page = AskedPage {
            is_first: cursor.is_none(),
            is_recorded: recorder.begin_record(&mut context),
        };
        // The context is needed once the server has consumed it.
        let asked = context.clone();
        let mut result = self.inner.list_tools(request, context).await?;
        recorder.on_listing(&mut result, page, &asked).await;
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
        mut context: Context,
    ) -> McpResult<InitializeResult> {
        if self.recorder().is_none() {
            return self.inner.initialize(request, context).await;
        }
        let wants = |settings: &InstrumentationSettings| settings.sessions || settings.logins;
        let Some(recorder) = self.recorder_if(&mut context, wants) else {
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

    async fn discover(&self, mut context: Context) -> McpResult<DiscoverResult> {
        if let Some(recorder) = self.recorder_if(&mut context, |settings| settings.logins) {
            let incoming = recorder.read(&context);
            recorder.log_login(&incoming, &incoming.facts(), recorder.now());
        }
        self.inner.discover(context).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        mut context: Context,
    ) -> McpResult<GetPromptResponse> {
        let recorder = self.recorder_if(&mut context, |settings| settings.prompts);
        let asked = Asked::Prompt(&request.name);
        let open = recorder.map(|recorder| recorder.open_request(asked, &context));
        let result = self.inner.get_prompt(request, context).await;
        OpenRequest::end(open, &result);
        result
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        mut context: Context,
    ) -> McpResult<ReadResourceResponse> {
        let recorder = self.recorder_if(&mut context, |settings| settings.resources);
        let asked = Asked::Resource(&request.uri);
        let open = recorder.map(|recorder| recorder.open_request(asked, &context));
        let result = self.inner.read_resource(request, context).await;
        OpenRequest::end(open, &result);
        result
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> McpResult<InitializeResult> {
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
        ping(context: Context) -> McpResult<()>;
        complete(request: CompleteRequestParams, context: Context) -> McpResult<CompleteResult>;
        set_level(request: SetLevelRequestParams, context: Context) -> McpResult<()>;
        list_prompts(page: Page, context: Context) -> McpResult<ListPromptsResult>;
        list_resources(page: Page, context: Context) -> McpResult<ListResourcesResult>;
        list_resource_templates(page: Page, context: Context) -> McpResult<ListResourceTemplatesResult>;
        listen(context: SubscriptionContext) -> McpResult<()>;
        subscribe(request: SubscribeRequestParams, context: Context) -> McpResult<()>;
        unsubscribe(request: UnsubscribeRequestParams, context: Context) -> McpResult<()>;
        on_custom_request(request: CustomRequest, context: Context) -> McpResult<CustomResult>;
        on_cancelled(cancelled: CancelledNotificationParam, context: NotificationContext<RoleServer>) -> ();
        on_progress(progress: ProgressNotificationParam, context: NotificationContext<RoleServer>) -> ();
        on_initialized(context: NotificationContext<RoleServer>) -> ();
        on_roots_list_changed(context: NotificationContext<RoleServer>) -> ();
        on_custom_notification(custom: CustomNotification, context: NotificationContext<RoleServer>) -> ();
        get_task(request: GetTaskParams, context: Context) -> McpResult<GetTaskResult>;
        update_task(request: UpdateTaskParams, context: Context) -> McpResult<()>;
        cancel_task(request: CancelTaskParams, context: Context) -> McpResult<()>;
        list_skills(page: Page, context: Context) -> McpResult<ListSkillsResult>;
        get_skill(request: GetSkillRequestParams, context: Context) -> McpResult<GetSkillResult>;
        read_resource_directory(request: ReadResourceDirectoryRequestParams, context: Context)
            -> McpResult<ReadResourceDirectoryResult>;
    }
}
