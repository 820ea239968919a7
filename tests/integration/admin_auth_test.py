"""Whom the admin service answers."""

from admin_support import TOKEN, AdminCase, Events


class Token(AdminCase):
    def test_only_the_right_token_is_answered(self):
        service = self.start({"token": TOKEN})
        answer = self.ask(service, "/servers")
        self.assert_error(answer, 401)
        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="baton admin"')
        for wrong in (f"Bearer {TOKEN}0", f"Bearer {TOKEN[1:]}", "Bearer", f"Basic {TOKEN}", TOKEN):
            answer = self.ask(service, "/servers", Authorization=wrong)
            self.assert_error(answer, 401)
            self.assertIn("invalid_token", answer.headers["www-authenticate"])
            self.assertNotIn(TOKEN[1:], answer.text)
        self.assertEqual(self.ask(service, "/servers", Authorization=f"Bearer {TOKEN}").status, 200)
        for path in ("/health", "/health/live", "/metrics", "/events", "/nowhere"):
            self.assertEqual(self.ask(service, path).status, 401, path)
        for path in ("/upgrade", "/drain", "/reload", "/log-level"):
            self.assertEqual(self.ask(service, path, "POST").status, 401, path)
        self.assertEqual(self.ask(service, "/").status, 200)  # the page that asks for it
        self.assertEqual(self.ask(service, "/", host="any.name").status, 200)
        self.assertNotIn(TOKEN, service.log())
        self.assertEqual(service.quit(), 0)

    def test_events_with_a_token(self):
        service = self.start({"token": TOKEN})
        events = Events(service, Authorization=f"Bearer {TOKEN}")
        self.assertEqual(events.until("hello")["generation"], 1)
        events.close()
        self.assertEqual(service.quit(), 0)


class Networks(AdminCase):
    def test_only_allowed_peers_are_answered_whatever_a_proxy_says(self):
        service = self.start({"allowed": ["10.0.0.0/8"]})
        for fields in ({}, {"X_Forwarded_For": "10.1.2.3"}, {"Forwarded": "for=10.1.2.3"},
                       {"X_Real_IP": "10.1.2.3"}):
            error = self.assert_error(self.ask(service, "/servers", **fields), 403)
            self.assertEqual(error["value"], "127.0.0.1")
        self.assertEqual(self.ask(service, "/").status, 403)
        self.assertEqual(service.quit(), 0)

    def test_an_address_that_anybody_reaches_needs_a_token_or_networks(self):
        service = self.service({"admin": {"address": "0.0.0.0:0"}})
        self.assertEqual(service.gone(), 1)
        service.wait_log(r"anybody on the network could restart this service at 0\.0\.0\.0:0; give a token")
        for more in ({"token": TOKEN}, {"allowed": ["127.0.0.0/8"]}):
            service = self.start({"address": "0.0.0.0:0", **more})
            self.assertEqual(self.ask(service, "/health/live", Authorization=f"Bearer {TOKEN}").status, 200)
            self.assertEqual(service.quit(), 0)

    def test_a_short_token_is_refused(self):
        service = self.service({"admin": {"token": "short"}})
        self.assertEqual(service.gone(), 1)
        service.wait_log(r"the token has 5 characters")


class Browsers(AdminCase):
    def test_names_that_an_attacker_gives_out_lead_nowhere(self):
        service = self.start({"hosts": ["admin.example.net"]})
        port = service.admin
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "admin.example.net"):
            self.assertEqual(self.ask(service, "/servers", host=host).status, 200, host)
        for host in (f"rebound.example.com:{port}", "localhost.example.com"):
            error = self.assert_error(self.ask(service, "/servers", host=host), 403)
            self.assertIn(host, error["value"])
            self.assertEqual(self.ask(service, "/drain", "POST", host=host).status, 403)
        self.assertEqual(service.quit(), 0)

    def test_pages_of_other_sites_change_nothing(self):
        service = self.start()
        own = f"127.0.0.1:{service.admin}"
        for fields in ({"Sec_Fetch_Site": "cross-site", "Origin": "http://evil.example"},
                       {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:8080"},
                       {"Origin": "http://127.0.0.1:8080"}, {"Origin": "null"}):
            for path in ("/upgrade", "/drain", "/reload", "/log-level?level=error"):
                self.assert_error(self.ask(service, path, "POST", host=own, **fields), 403)
        self.assertEqual(self.ask(service, "/log-level").json, {"level": "info"})
        for fields in ({"Sec_Fetch_Site": "same-origin", "Origin": f"http://{own}"},
                       {"Origin": f"http://{own}"}, {}):
            self.assertEqual(self.ask(service, "/log-level?level=info", "POST", host=own,
                                      **fields).status, 200)
        self.assertEqual(self.ask(service, "/servers").json["generation"], 1)
        self.assertEqual(service.quit(), 0)

    def test_answers_cannot_be_framed_or_read_by_others(self):
        service = self.start()
        page = self.ask(service, "/")
        self.assertEqual(page.headers["x-frame-options"], "DENY")
        self.assertIn("frame-ancestors 'none'", page.headers["content-security-policy"])
        self.assertIn("script-src 'sha256-", page.headers["content-security-policy"])
        self.assertNotIn("unsafe", page.headers["content-security-policy"])
        for path in ("/", "/servers"):
            answer = self.ask(service, path, Origin="http://evil.example")
            self.assertNotIn("access-control-allow-origin", answer.headers)
            self.assertEqual(answer.headers["cross-origin-resource-policy"], "same-origin")
        self.assertEqual(service.quit(), 0)

    def test_without_the_dashboard_there_is_no_page(self):
        service = self.start({"dashboard": False})
        self.assert_error(self.ask(service, "/"), 404)
        self.assertEqual(service.quit(), 0)
