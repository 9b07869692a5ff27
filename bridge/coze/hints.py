"""What an operator should do about a failure, in English and Chinese: the one place for these sentences."""

from dataclasses import dataclass
from enum import StrEnum


class Hint(StrEnum):
    """The name of one piece of advice."""

    NONE = ""
    TOKEN = "token"
    PERMISSION = "permission"
    BOT_ID = "bot_id"
    PUBLISH = "publish"
    QUOTA = "quota"
    SLOWER = "slower"
    MODEL = "model"
    SHORTER = "shorter"
    OCCUPIED = "occupied"
    REPORT = "report"
    LATER = "later"
    WORKFLOW = "workflow"
    PAID_PLAN = "paid_plan"
    RUN_PARAMETERS = "run_parameters"
    RUN_PUBLISH = "run_publish"
    RUN_PLAN = "run_plan"
    RUN_LONGER = "run_longer"
    RUN_ASKS = "run_asks"
    UPLOAD = "upload"
    HTML = "html"
    BASE_URL = "base_url"
    REDIRECT = "redirect"
    HOST_NAME = "host_name"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    POOL = "pool"
    CUT = "cut"
    IDLE = "idle"
    HISTORY_OFF = "history_off"
    OAUTH_CLIENT = "oauth_client"
    OAUTH_KEY = "oauth_key"
    OAUTH_INACTIVE = "oauth_inactive"
    REGION_CN = "region_cn"
    REGION_COM = "region_com"
    STUDIO_TOKEN = "studio_token"


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence in the languages we speak."""

    en: str
    zh: str

    def __call__(self, locale: str = "en") -> str:
        return self.zh if locale.lower().startswith("zh") else self.en


ADVICE: dict[Hint, Advice] = {
    Hint.NONE: Advice("", ""),
    Hint.TOKEN: Advice(
        "Renew the token: it is wrong, expired or revoked.",
        "请更换令牌：它有误、已过期或已被撤销。",
    ),
    Hint.PERMISSION: Advice(
        "Check token and permissions: the token must belong to this region, and have the permissions chat, getChat, "
        "listMessage, cancelChat, createConversation and getMetadata for the bot's workspace.",
        "请检查令牌和权限：令牌必须属于该站点，并对智能体所在空间拥有 chat、getChat、listMessage、cancelChat、"
        "createConversation 和 getMetadata 权限。",
    ),
    Hint.BOT_ID: Advice(
        "Check bot_id (the digits in the bot's address after /bot/) and that the token may use its workspace.",
        "请检查 bot_id（智能体网址中 /bot/ 之后的数字），并确认令牌可以使用它所在的空间。",
    ),
    Hint.PUBLISH: Advice(
        "Publish the bot with the channel 'API' chosen.",
        "请发布该智能体，并在发布渠道中勾选 API。",
    ),
    Hint.QUOTA: Advice(
        "The quota or balance is used up: top it up or choose a larger plan.",
        "额度或余额已用完：请充值或升级套餐。",
    ),
    Hint.SLOWER: Advice(
        "Too many requests: lower chats_per_s or choose a larger plan.",
        "请求过多：请调低 chats_per_s 或升级套餐。",
    ),
    Hint.MODEL: Advice("Choose another model for the bot and publish it.", "请为智能体更换模型并重新发布。"),
    Hint.SHORTER: Advice(
        "The input exceeds the model's limit: shorten the bot's context or the question.",
        "输入超出模型上限：请缩短上下文或问题。",
    ),
    Hint.OCCUPIED: Advice(
        "Another run is active in this conversation; it must end or be cancelled first.",
        "该会话中有另一轮对话正在进行，需要先结束或取消。",
    ),
    Hint.REPORT: Advice(
        "Coze refused the request itself; report it with code and log id.",
        "扣子拒绝了该请求；请附上错误码和 log id 反馈。",
    ),
    Hint.LATER: Advice(
        "Coze has trouble; try later, and check bot_id if it stays.",
        "扣子服务异常；请稍后再试，若持续出现请检查 bot_id。",
    ),
    Hint.WORKFLOW: Advice("Check and publish the workflow behind the bot.", "请检查并发布智能体所用的工作流。"),
    Hint.PAID_PLAN: Advice("This needs a paid plan.", "该功能需要付费套餐。"),
    Hint.RUN_PARAMETERS: Advice(
        "Compare the workflow's section with its start node in Coze (`coze-bridge workflows` prints one), and see "
        "whether it needs a bot_id or an app_id.",
        "请对照扣子中的开始节点检查该工作流的配置（`coze-bridge workflows` 可以打印），"
        "并确认是否需要 bot_id 或 app_id。",
    ),
    Hint.RUN_PUBLISH: Advice(
        "Check the workflow's id (the digits after workflow_id= in its address), publish it, and give the token its "
        "workspace and the permission run.",
        "请检查工作流 id（网址中 workflow_id= 之后的数字），发布它，并确认令牌拥有其空间和 run 权限。",
    ),
    Hint.RUN_PLAN: Advice(
        'run = "async" needs a paid plan; use run = "stream".', '异步运行需要付费套餐；请改用 run = "stream"。'
    ),
    Hint.RUN_LONGER: Advice(
        'Coze cuts a sync run after 90 s and any run but an async one after 10 minutes: use run = "async".',
        '扣子会在 90 秒后中断同步运行，非异步运行最长 10 分钟：请使用 run = "async"。',
    ),
    Hint.RUN_ASKS: Advice(
        'A workflow with questions needs run = "stream" on this server.',
        '会提问的工作流在该服务器上需要 run = "stream"。',
    ),
    Hint.UPLOAD: Advice("Coze does not take this file (empty, too big or of an unknown type).", "扣子不接受该文件。"),
    Hint.HTML: Advice(
        "A web page answered instead of the API: check base_url, proxies and gateways.",
        "返回的是网页而不是 API 数据：请检查 base_url、代理和网关。",
    ),
    Hint.BASE_URL: Advice(
        "Check base_url: this server does not know the path.", "请检查 base_url：该服务器没有此路径。"
    ),
    Hint.REDIRECT: Advice(
        "The server redirects elsewhere: put the final address into base_url (https instead of http?).",
        "服务器要求跳转：请把最终地址写入 base_url（是否应为 https？）。",
    ),
    Hint.HOST_NAME: Advice(
        "The host name cannot be resolved: check base_url and DNS.", "无法解析主机名：请检查 base_url 和 DNS。"
    ),
    Hint.REFUSED: Advice(
        "Nothing accepts connections there: check base_url, port, firewall and whether the server runs.",
        "该地址无法建立连接：请检查 base_url、端口、防火墙，以及服务是否在运行。",
    ),
    Hint.CONNECT_TIMEOUT: Advice(
        "No connection within connect_timeout_s: check network, firewall and proxy.",
        "在 connect_timeout_s 内没有建立连接：请检查网络、防火墙和代理。",
    ),
    Hint.TLS: Advice(
        "The secure connection failed: check https or http in base_url, certificates and proxies.",
        "安全连接失败：请检查 base_url 是 https 还是 http，以及证书和代理。",
    ),
    Hint.POOL: Advice(
        "All connections are in use: raise concurrent_chats or answer fewer questions at once.",
        "所有连接都被占用：请调高 concurrent_chats 或减少同时进行的对话。",
    ),
    Hint.CUT: Advice(
        "The connection was lost after the request was sent: check proxies and gateways on the way.",
        "请求发出后连接中断：请检查途中的代理和网关。",
    ),
    Hint.IDLE: Advice(
        "The agent was silent for too long: look at its workflows and tools, or raise the timeouts.",
        "智能体长时间没有响应：请检查其工作流和工具，或调大超时设置。",
    ),
    Hint.HISTORY_OFF: Advice(
        "With auto_save_history = false a lost answer cannot be fetched.",
        "auto_save_history = false 时，丢失的回答无法取回。",
    ),
    Hint.OAUTH_CLIENT: Advice(
        "Check oauth.client_id, oauth.key_id and that the key pair belongs to this OAuth application.",
        "请检查 oauth.client_id、oauth.key_id，并确认密钥对属于该 OAuth 应用。",
    ),
    Hint.OAUTH_KEY: Advice(
        "Give the RSA private key in PEM form, readable by this process.",
        "请提供本进程可读取的 PEM 格式 RSA 私钥。",
    ),
    Hint.OAUTH_INACTIVE: Advice("Activate the OAuth application in Coze.", "请在扣子中启用该 OAuth 应用。"),
    Hint.REGION_CN: Advice(
        "A token of coze.com used on coze.cn? Tokens are valid in their own region only.",
        "是否把 coze.com 的令牌用在了 coze.cn？令牌只在所属站点有效。",
    ),
    Hint.REGION_COM: Advice(
        "A token of coze.cn used on coze.com? Tokens are valid in their own region only.",
        "是否把 coze.cn 的令牌用在了 coze.com？令牌只在所属站点有效。",
    ),
    Hint.STUDIO_TOKEN: Advice(
        "Create a personal access token in your Coze Studio; tokens of coze.com and coze.cn are not valid there.",
        "请在自己的 Coze Studio 中创建个人访问令牌；coze.com 和 coze.cn 的令牌在那里无效。",
    ),
}


def advise(*hints: Hint, locale: str = "en") -> str:
    """Put pieces of advice into words."""
    return " ".join(text for hint in hints if (text := ADVICE[hint](locale)))


_BY_ENGLISH = {advice.en: advice for advice in ADVICE.values()}


def translated(english: str, locale: str) -> str:
    """Return one piece of advice, as an error carries it, in another language; other texts stay as they are."""
    return _BY_ENGLISH[english](locale) if english in _BY_ENGLISH else english
