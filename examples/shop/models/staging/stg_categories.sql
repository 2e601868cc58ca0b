select
    id as category_id,
    name,
    path[1] as top_category,
    arrayStringConcat(arrayMap(part -> ifNull(part, ''), path), ' > ') as breadcrumb
from {{ source('shop', 'categories') }}
