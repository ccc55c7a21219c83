// The way to every screen: five places at the lower edge of a phone, all of them
// in a rail at the side of a wider page.
import { administers, audits, me, path, schedules, w, writes } from "./state";
import { Icon, Link, Title, type IconName } from "./ui";

interface Place {
  to: string;
  icon: IconName;
  label: string;
  first?: boolean; // of the five on a phone
  hidden?: boolean;
}

/** places are the screens that the person may use, in the order of the menu; none while something is due. */
export const places = (): Place[] =>
  [
    { to: "/", icon: "today" as const, label: w().today, first: true },
    { to: "/soan", icon: "compose" as const, label: w().compose, first: true, hidden: !writes() },
    { to: "/duyet", icon: "approvals" as const, label: w().approvals, first: true },
    { to: "/lich", icon: "calendar" as const, label: w().calendar, first: true },
    { to: "/dang-phat", icon: "play" as const, label: w().onAir },
    { to: "/phat", icon: "aired" as const, label: w().aired },
    { to: "/khan-cap", icon: "warn" as const, label: w().emergency, hidden: !writes() },
    { to: "/thiet-bi", icon: "devices" as const, label: w().devices },
    { to: "/bang", icon: "board" as const, label: w().boards },
    { to: "/kho", icon: "store" as const, label: w().library },
    { to: "/tiep-song", icon: "relay" as const, label: w().relays, hidden: !schedules() },
    { to: "/nguoi-dung", icon: "people" as const, label: w().people_, hidden: !administers() },
    { to: "/canh-bao", icon: "bell" as const, label: w().alerts },
    { to: "/nhat-ky", icon: "log" as const, label: w().log, hidden: !audits() },
    { to: "/cai-dat", icon: "settings" as const, label: w().settings },
  ].filter((p) => !me.value?.due && !("hidden" in p && p.hidden));

/** under says which place an address belongs to. */
function under(at: string): string {
  const here = "/" + (at.split("/")[1] ?? "");
  return here === "/nghe" || here === "/gui" || here === "/nhap" ? "/soan" : here === "/dien-tap" ? "/khan-cap" : here === "/truc-tiep" ? "/tiep-song" : here === "/ban-do" || here === "/don-vi" ? "/cai-dat" : here === "/nguoi-duyet" ? "/nguoi-dung" : here;
}

export function Nav() {
  const here = under(path.value);
  const all = places();
  const more = !all.some((p) => p.first && p.to === here);
  const current = (yes: boolean) => (yes ? { "aria-current": "page" as const } : {});
  if (!all.length) return null;
  return (
    <nav aria-label={w().menu}>
      {all.map((p) => (
        <Link key={p.to} to={p.to} class={p.first ? "" : "later"} {...current(here === p.to)}>
          <Icon name={p.icon} />
          <span>{p.label}</span>
        </Link>
      ))}
      <Link to="/trang" class="more-places" {...current(more)}>
        <Icon name="menu" />
        <span>{w().more_}</span>
      </Link>
    </nav>
  );
}

/** Places lists what the lower edge has no room for. */
export function Places() {
  return (
    <>
      <Title>{w().allPlaces}</Title>
      <ul class="places">
        {places()
          .filter((p) => !p.first)
          .map((p) => (
            <li key={p.to}>
              <Link to={p.to}>
                <Icon name={p.icon} />
                <span>{p.label}</span>
              </Link>
            </li>
          ))}
      </ul>
    </>
  );
}
