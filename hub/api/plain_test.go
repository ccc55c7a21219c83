package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// oneEditor lets "soan" in with one password; with another one, something is due first.
type oneEditor struct{ Accounts }

func (oneEditor) LogIn(_ context.Context, id protocol.PersonID, password, _ string, _ account.From) (account.Login, error) {
	due := map[string]account.Due{"dung roi": "", "con no": account.DueSecond}
	if _, ok := due[password]; !ok || id != "soan" {
		return account.Login{}, problem.New(problem.ErrUnauthorized, "wrong", "", "Sai mật khẩu.", "Wrong password.")
	}
	return account.Login{Actor: account.Actor{Person: id, Due: due[password], Grants: []account.Grant{{Unit: "xa-a", Role: account.Editor}, {Unit: "xa-b", Role: account.Editor}}}}, nil
}

// stopper notes what it was asked for.
type stopper struct {
	Programme
	asked []string
	fails protocol.UnitID
}

func (s *stopper) Stop(_ context.Context, _ account.Actor, unit protocol.UnitID, _ protocol.AiringID) ([]protocol.Stop, error) {
	s.asked = append(s.asked, "stop "+string(unit))
	if unit == s.fails {
		return nil, errors.New("the disk is full")
	}
	return []protocol.Stop{{ID: protocol.StopID("of-" + unit), Unit: unit}}, nil
}

func (s *stopper) TakeBack(_ context.Context, _ account.Actor, id protocol.StopID) ([]programme.Airing, error) {
	s.asked = append(s.asked, "back "+string(id))
	return nil, nil
}

func TestPageWithoutScriptStopsAllUnitsAndTakesBack(t *testing.T) {
	st := &stopper{}
	s, err := New(Services{Account: oneEditor{}, Programme: st, Sessions: noSessions{}}, Options{Console: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	post := func(form url.Values, site string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/dung", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	who := func(password, act string, stops ...string) url.Values {
		return url.Values{"user": {"soan"}, "password": {password}, "act": {act}, "stop": stops}
	}

	if code, body := post(who("sai", "stop"), "same-origin"); code != http.StatusUnauthorized || !strings.Contains(body, "Sai mật khẩu.") || !strings.Contains(body, "Wrong password.") {
		t.Errorf("wrong password: %d %s", code, body)
	}
	if code, _ := post(who("dung roi", "stop"), "cross-site"); code != http.StatusForbidden {
		t.Errorf("another site's form: %d, want 403", code)
	}
	if len(st.asked) > 0 {
		t.Fatalf("a refused form did %v", st.asked)
	}
	code, body := post(who("dung roi", "stop"), "same-origin")
	if code != http.StatusOK || !strings.Contains(body, `name="stop" value="of-xa-a"`) || !strings.Contains(body, `name="stop" value="of-xa-b"`) {
		t.Errorf("stop: %d %s", code, body)
	}
	st.fails = "xa-a"
	if code, body := post(who("dung roi", "stop"), "same-origin"); code != http.StatusInternalServerError || !strings.Contains(body, `value="of-xa-b"`) {
		t.Errorf("stop, of which a part fails: %d %s", code, body)
	}
	if code, body := post(who("dung roi", "back", "of-xa-a", "of-xa-b"), "same-origin"); code != http.StatusOK || !strings.Contains(body, "Đã hoàn tác.") {
		t.Errorf("take back: %d %s", code, body)
	}
	if diff := cmp.Diff([]string{"stop xa-a", "stop xa-b", "stop xa-a", "stop xa-b", "back of-xa-a", "back of-xa-b"}, st.asked); diff != "" {
		t.Error(diff)
	}

	// Before a second factor that is due, everything may be silenced, and nothing sounds.
	st.asked, st.fails = nil, ""
	if code, body := post(who("con no", "stop"), "same-origin"); code != http.StatusOK || len(st.asked) != 2 {
		t.Errorf("stop before a second factor: %d %s", code, body)
	}
	if code, body := post(who("con no", "back", "of-xa-a"), "same-origin"); code != http.StatusForbidden || !strings.Contains(body, "This role needs a second factor") || len(st.asked) != 2 {
		t.Errorf("take back before a second factor: %d %v %s", code, st.asked, body)
	}
}
