"""The files of encoded tables: their names and columns."""

import pyarrow as pa

ITEM_CODES, USER_CODES = "item_codes.parquet", "user_codes.parquet"
BASKETS = "baskets-*.parquet"
CODES_SCHEMA = pa.schema({"code": pa.int32(), "id": pa.string()})
BASKETS_SCHEMA = pa.schema(
    {
        "place": pa.int64(),
        "begun_us": pa.int64(),
        "user_code": pa.int32(),
        "items": pa.list_(pa.field("item", pa.int32(), nullable=False)),
    }
)
