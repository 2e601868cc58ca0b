select o.id, tag, tags, doubled, nn.y, arrayJoin(tags) as unfolded, arrayMap(x -> x || tag, tags) as mapped
from golden.orders o array join tags as tag, n as nn, arrayMap(x -> x + customer, n.x) as doubled
