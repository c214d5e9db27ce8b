from producers.membership import Lease


def test_a_lease_holds_while_it_is_renewed_in_time_and_once_it_has_run_out_only_a_new_one_does() -> None:
    now = 0.0
    lease = Lease(7.0, lambda: now)
    assert (lease.holds(), lease.renew()) == (False, False)

    lease.begin()
    now = 7.0
    assert (lease.holds(), lease.renew()) == (True, True)

    now = 14.5  # stood still
    assert lease.holds() is False
    assert (lease.renew(), lease.renew(), lease.holds()) == (False, False, False)

    lease.begin()
    assert (lease.holds(), lease.renew()) == (True, True)
