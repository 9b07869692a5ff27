"""Answers as agents really write them: invented words, real habits.

Headings without a blank line behind them, lists of two spaces and of four, code in list items, tables between
paragraphs, Chinese bold with the colon inside, quotes with several paragraphs, tasks, nested numbering, links with
brackets in their addresses, paths, prices and operators that look like marks.
"""

DEPLOY = """\
Sure! Here's how to ship it **without downtime**. The short version: *build once*, deploy twice, and keep `v1` around.

### 1. Build the image
Run this from the repository root (it takes ~2 minutes):

```bash
docker build -t registry.example/shop:$(git rev-parse --short HEAD) .
docker push registry.example/shop:latest  # don't forget this
```

> **Note:** if the push fails with `denied: requested access`, log in again.
> Tokens expire after 12 hours.
>
> The old image stays available until you delete it.

### 2. Roll out

1. **Scale up** the new version:
   ```yaml
   spec:
     replicas: 4          # was 2
     strategy:
       type: RollingUpdate
   ```
2. **Watch** the metrics for five minutes:
   - error rate < 0.1 %
   - p99 latency (see [the dashboard](https://grafana.example/d/abc_(prod)?from=now-1h))
   - memory: should stay *below* 512 MiB
3. **Scale down** the old one.

| Step | Command | Takes |
|:-----|:-------:|------:|
| build | `make image` | ~120 s |
| push | `make push` | 30–60 s |
| roll out | `kubectl apply -f k8s/` | **5 min** |

---

If anything looks odd, roll back at once:

```python
def rollback(version: str) -> None:
    \"\"\"Return to a version; `None` is not one.\"\"\"
    for pod in pods("shop"):
        if pod.image != version and pod.retries ** 2 < 10:
            pod.restart(image=f"registry.example/shop:{version}")
```

Costs: $5–$7 per month, i.e. 2 * 3 + 1 = 7. Snake_case_names and __dunder__ methods are fine; so is a_b_c.

Let me know if you want the ~~Jenkins~~ **GitHub Actions** variant, or read <https://docs.example/ship> first.
"""

CHINESE = """\
# 数据分析报告

**重点：**本季度销售额增长了**12.5%**，其中**“新用户”**贡献最大。下面分三个部分说明。

## 一、总体情况
总收入为 **¥1,234,567**（含税），比去年同期增加 *约 10%*。主要原因有：
- **渠道拓展**：新增了 3 个线上渠道；
- **价格调整**：`SKU-1001` 等产品提价 5%；
  - 高端系列：提价 8%
  - 入门系列：不变
- **季节因素**：双十一期间订单量是平时的 3 倍。

## 二、明细

| 地区 | 销售额（万元） | 增长率 |
|------|---------------:|:------:|
| 华东 | 523.4 | +15% |
| 华南 | 410.2 | +9% |
| 华北 | 300.9 | **−2%** |

> 注意：华北地区的下降与仓库搬迁有关，预计下季度恢复。
> 详见[内部文档](https://wiki.example/报告/2026?页=1)。

## 三、建议

1. 继续投入**新用户**运营；
2. 优化华北仓储：
    - 增加夜间分拣
    - 引入自动化设备（参考《仓储自动化指南》）
3. 每周复盘一次。

示例代码如下：

```sql
SELECT region, SUM(amount) AS total  -- 按地区汇总
FROM orders
WHERE created_at >= '2026-01-01'
GROUP BY region;
```

如有问题，请随时告诉我😊！👨‍👩‍👧‍👦 家庭套餐的数据下周补充。
"""

LISTS = """\
Great question. There are **three** ways, from easiest to hardest:

1. **Use the built-in command**

   It does everything for you. Just run `tool init --yes`, then edit the file.

   ```toml
   [tool]
   name = "demo"   # * required *
   ```

   That's it!

2. **Write the config by hand**

   * Create `tool.toml`
   * Add the sections:
     1. `[tool]`
     2. `[tool.paths]` with `src = "src/**/*.py"`
        > Globs are relative to the file.
     3. `[tool.rules]`
   * Check it: `tool check`

3. Generate it from code

Tasks for today:

- [x] read the docs
- [ ] write the config
- [ ] ask *somebody*

Some terms
: are explained like this, which not everybody renders.

Final words: e.g. `a | b`, x < y && y > z, "C:\\\\Users\\\\ann", 50 % off, and 3 > 2.
***
Bye!
"""

JAPANESE = """\
はい、**コンピューター**の設定方法を説明します。まず、次の点を確認してください。

- **電源：**ケーブルが接続されていること
- **OS：**バージョン 12 以降（`ver` コマンドで確認）
- ネットワーク設定は「設定」→「接続」から *変更できます*。

1. 設定画面を開く
2. **「詳細」**を選ぶ
3. `再起動` する

うまくいかない場合は[サポート](https://support.example/ja)までご連絡ください。🇯🇵👍🏽
"""

REAL = {"deploy": DEPLOY, "chinese": CHINESE, "lists": LISTS, "japanese": JAPANESE}
