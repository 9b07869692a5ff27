"""Simplified Chinese."""

from bridge.texts.keys import Say

SENTENCES: dict[Say, str] = {
    Say.REFERENCE: "（编号 {reference}）",
    Say.AGENT_FAILED: "⚠️ 智能体没能回答这个问题。请再问一次；如果一直这样，请告诉管理员。",
    Say.AGENT_UNAVAILABLE: "⚠️ 暂时连接不上智能体。请过一分钟再问。",
    Say.AGENT_SILENT: "⚠️ 智能体中途没有了回应。请再问一次，可以把问题拆小一些。",
    Say.AGENT_BUSY: "⚠️ 智能体收到的提问太多了。请过一分钟再问。",
    Say.AGENT_UNAUTHORIZED: "⚠️ 智能体拒绝了我的凭证。请管理员更新扣子的令牌。",
    Say.AGENT_NOT_PUBLISHED: "⚠️ 这个智能体还没有发布为 API 服务。请管理员在扣子中发布它。",
    Say.AGENT_UNKNOWN_BOT: "⚠️ 配置的智能体不存在。请管理员检查 bot id。",
    Say.AGENT_QUOTA: "⚠️ 智能体的额度已用完。管理员可以在扣子中充值。",
    Say.AGENT_TOO_LONG: "⚠️ 内容超出了智能体能处理的长度。请缩短，或用 !new 开始新对话。",
    Say.AGENT_REFUSED: "⚠️ 智能体拒绝回答这个问题。请换个说法。",
    Say.AGENT_MODEL_GONE: "⚠️ 智能体使用的模型已下线。请管理员在扣子中更换模型。",
    Say.AGENT_RISK_CONTROL: "⚠️ 扣子的风控拦截了这个回答。请换个说法再问。",
    Say.AGENT_NEEDS_ACTION: "⚠️ 智能体想使用这里不提供的工具。请换个问法。",
    Say.CONVERSATION_OCCUPIED: "⚠️ 智能体在这个对话里还在忙。请稍后再问，或用 !new 开始新对话。",
    Say.RUN_NOT_PUBLISHED: "⚠️ 这个工作流不存在或从未发布。请管理员在扣子中检查。",
    Say.RUN_BAD_PARAMETERS: "⚠️ 扣子不接受这些工作流参数。请检查，或告诉管理员。",
    Say.RUN_FAILED: "⚠️ 工作流运行失败。请再试一次；如果一直这样，请告诉管理员。",
    Say.RUN_TOO_LONG: "⚠️ 工作流运行太久了。管理员可以让它在后台运行（async）。",
    Say.RUN_PAID_PLAN: "⚠️ 后台运行工作流需要扣子付费套餐。管理员可以改用 stream。",
    Say.RUN_ASKS: "⚠️ 这个工作流会提问，需要用流式方式运行。管理员可以设置。",
    Say.RUN_OVER: "⚠️ 这次运行已经结束，你的回答没有送达。请重新运行。",
    Say.EMPTY_ANSWER: "智能体给出了空的回答。请再问一次，或换个说法。",
    Say.STORE_FAILED: "⚠️ 我暂时无法保存数据，所以没有接收你的问题。请稍后再问。",
    Say.INTERNAL: "⚠️ 我这边出了点问题。请再问一次；如果一直这样，请告诉管理员。",
    Say.INTERRUPTED: "⚠️ 回答在这里中断了。",
    Say.STOPPED: "⏹️ 已停止。",
    Say.NEW_CONVERSATION_FORCED: "ℹ️ 之前的对话已不可用，这是一个新的对话。",
    Say.TOO_LATE: "⚠️ 我离开得太久，没能及时回答。请再问一次。",
    Say.PLACEHOLDER: "… 正在思考",
    Say.THINKING: "正在思考…",
    Say.WAITING: "⏳ 你的问题在排队，前面还有 {position} 个。",
    Say.QUEUE_FULL: "⚠️ 这里排队的问题太多了，所以没有接收这一个。请稍后再问。",
    Say.ATTACHMENT_ONLY: "我还不能读取附件。请用文字写下你的问题。",
    Say.ATTACHMENTS_IGNORED: "ℹ️ 我还不能读取附件，只回答了文字部分。",
    Say.MAYBE_DUPLICATE: "ℹ️ 这条可能重复：发送时连接中断了。",
    Say.MENTION_NEEDED: "ℹ️ 在这里我只能读到 @ 我的消息。请 @ 我继续。",
    Say.NOT_ALLOWED: "你不能在这里使用我。请联系管理员。",
    Say.TOO_FAST: "有点太快了。请等 {seconds} 秒再问。",
    Say.HELP: (
        "问我任何问题：在频道里 @ 我，或直接给我发消息。我会记住这个对话里说过的内容。\n"
        "• `新对话`（`!new`）：开始新的对话\n"
        "• `停止`（`!stop`）：停止正在进行的回答\n"
        "• `状态`（`!status`）：我在这里做什么\n"
        "• `帮助`（`!help`）：显示这段帮助"
    ),
    Say.NEW_DONE: "✨ 已开始新的对话，之前的内容我都忘掉了。",
    Say.NEW_NOTHING: "✨ 这里还没有对话，直接提问就好。",
    Say.STOP_DONE: "⏹️ 正在停止。",
    Say.STOP_NOTHING: "这里没有属于你的、正在进行的回答。",
    Say.STATUS_IDLE: "我现在有空。智能体：{agent}。",
    Say.STATUS_RUNNING: "我正在回答：{running} 个进行中，{waiting} 个排队。智能体：{agent}。",
    Say.STATUS_CONVERSATION: "这个对话开始于 {since}。",
}
