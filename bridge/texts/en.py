"""English."""

from bridge.texts.keys import Say

SENTENCES: dict[Say, str] = {
    Say.REFERENCE: "(reference {reference})",
    Say.AGENT_FAILED: "⚠️ The agent could not answer this. Please ask again, or tell your administrator.",
    Say.AGENT_UNAVAILABLE: "⚠️ The agent cannot be reached right now. Please ask again in a minute.",
    Say.AGENT_SILENT: "⚠️ The agent stopped answering. Please ask again, perhaps in smaller steps.",
    Say.AGENT_BUSY: "⚠️ The agent is getting more questions than it may answer. Please ask again in a minute.",
    Say.AGENT_UNAUTHORIZED: "⚠️ The agent refuses my credentials. Your administrator has to renew the Coze token.",
    Say.AGENT_NOT_PUBLISHED: "⚠️ This agent is not published for API use. Your administrator has to publish it in Coze.",
    Say.AGENT_UNKNOWN_BOT: "⚠️ The configured agent does not exist. Your administrator has to check its bot id.",
    Say.AGENT_QUOTA: "⚠️ The agent's quota is used up. Your administrator can top it up in Coze.",
    Say.AGENT_TOO_LONG: "⚠️ This is too long for the agent. Please shorten it, or start afresh with !new.",
    Say.AGENT_REFUSED: "⚠️ The agent declined to answer this. Please put it differently.",
    Say.AGENT_MODEL_GONE: "⚠️ The agent's model is gone. Your administrator has to choose another one in Coze.",
    Say.AGENT_RISK_CONTROL: "⚠️ Coze's risk control stopped this answer. Please put the question differently.",
    Say.AGENT_NEEDS_ACTION: "⚠️ The agent wants to use a tool that this bridge does not offer. Please ask differently.",
    Say.CONVERSATION_OCCUPIED: "⚠️ The agent is still busy in this conversation. Please ask again soon, or use !new.",
    Say.RUN_NOT_PUBLISHED: "⚠️ This workflow does not exist or was never published. Your administrator has to check it.",
    Say.RUN_BAD_PARAMETERS: "⚠️ The workflow does not take these values. Please check them, or tell your administrator.",
    Say.RUN_FAILED: "⚠️ The workflow failed. Please try again, or tell your administrator.",
    Say.RUN_TOO_LONG: "⚠️ The workflow took too long. Your administrator can let it run in the background: async.",
    Say.RUN_PAID_PLAN: "⚠️ Workflows in the background need a paid Coze plan. Your administrator can choose stream.",
    Say.RUN_ASKS: "⚠️ This workflow asks something, for which it has to be streamed. Your administrator can set that.",
    Say.RUN_OVER: "⚠️ This run has ended meanwhile, so your answer did not reach it. Please run it again.",
    Say.EMPTY_ANSWER: "The agent gave an empty answer. Please ask again, or put it differently.",
    Say.STORE_FAILED: "⚠️ I cannot write anything down right now, so I did not take this. Please ask again later.",
    Say.INTERNAL: "⚠️ Something went wrong on my side. Please ask again, or tell your administrator.",
    Say.INTERRUPTED: "⚠️ The answer was interrupted here.",
    Say.STOPPED: "⏹️ Stopped.",
    Say.INTERRUPTED_BY_NEXT: "⏹️ Interrupted by your next message.",
    Say.NEW_CONVERSATION_FORCED: "ℹ️ The earlier conversation is no longer available; this is a new one.",
    Say.TOO_LATE: "⚠️ I was away for too long to answer this now. Please ask again.",
    Say.LATE: "🕒 You asked this while I was away; this answer comes late.",
    Say.PLACEHOLDER: "… thinking",
    Say.THINKING: "is thinking…",
    Say.WAITING: "⏳ Your question waits: {position} before it.",
    Say.QUEUE_FULL: "⚠️ Too many questions wait here already, so this one is not taken. Please ask again later.",
    Say.ATTACHMENT_ONLY: "I cannot read attachments yet. Please write your question as text.",
    Say.ATTACHMENTS_IGNORED: "ℹ️ I cannot read attachments yet and answered the text alone.",
    Say.MAYBE_DUPLICATE: "ℹ️ This may be a duplicate: the connection was lost while it was sent.",
    Say.MENTION_NEEDED: "ℹ️ I can only read what mentions me here. Mention me to go on.",
    Say.STOP_LABEL: "Stop",
    Say.RETRY_LABEL: "Try again",
    Say.STOP_OVER: "This answer has ended already.",
    Say.RETRY_TOO_OLD: "I do not remember this question any more. Please ask it again.",
    Say.RETRY_RUNNING: "I am still on it.",
    Say.NOT_YOURS: "Only the person who asked can do this.",
    Say.NOT_ALLOWED: "You may not use me here. Please ask your administrator.",
    Say.TOO_FAST: "That was a bit fast. Please wait {seconds} s before your next question.",
    Say.HELP: (
        "Ask me anything: mention me in a channel, or write to me directly. "
        "I remember what was said in this conversation.\n"
        "• `!new` (`新对话`): start a new conversation\n"
        "• `!stop` (`停止`): stop the answer that is running\n"
        "• `!status` (`状态`): what I am doing here\n"
        "• `!help` (`帮助`): this help"
    ),
    Say.NEW_DONE: "✨ This is a new conversation; I have forgotten what was said before.",
    Say.NEW_NOTHING: "✨ There is nothing to forget here; just ask.",
    Say.STOP_DONE: "⏹️ Stopping.",
    Say.STOP_NOTHING: "There is nothing of yours to stop here.",
    Say.STATUS_IDLE: "I am free. Agent: {agent}.",
    Say.STATUS_RUNNING: "I am answering: {running} running, {waiting} waiting. Agent: {agent}.",
    Say.STATUS_CONVERSATION: "This conversation began on {since}.",
}
