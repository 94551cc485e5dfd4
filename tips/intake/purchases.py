"""Token purchases: the issuer's tokens become the viewer's. (`tokens.purchased`,
docs/integrators.md)"""

from dataclasses import dataclass
from datetime import datetime

from ground.json.fields import Fields
from ledger.gateway import ISSUER, Order, user_account


@dataclass(frozen=True, slots=True)
class Purchase:
    purchase_id: str
    user_id: str
    tokens: int
    happened_at: datetime

    @property
    def content(self) -> tuple[object, ...]:
        """What makes two deliveries of one purchase equal."""
        return (self.purchase_id, self.user_id, self.tokens)

    @property
    def order(self) -> Order:
        return Order(
            key=f"PURCHASE_{self.purchase_id}",
            subject=f"purchase/{self.purchase_id}",
            debit=ISSUER,
            credit=user_account(self.user_id),
            amount=self.tokens,
            happened_at=self.happened_at,
        )


def parse(data: Fields) -> Purchase:
    return Purchase(
        purchase_id=data.underived_reference("purchaseId"),
        user_id=data.hex_id("userId"),
        tokens=data.amount("tokens"),
        happened_at=data.moment("createdAt"),
    )
