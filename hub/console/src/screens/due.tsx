// What somebody has to do before anything else: change a one-time password, set
// up the second factor that their role demands.
import { dictionary, me, w } from "../state";
import { Note, Title } from "../ui";
import { Password } from "./password";
import { Second } from "./second";

const t = dictionary(
  { password: "Mật khẩu này chỉ dùng một lần. Hãy đặt mật khẩu của riêng anh/chị để vào Loa.", second: "Vai trò của anh/chị phải có xác thực hai lớp. Hãy cài đặt để vào Loa." },
  { password: "This password was for one use. Set your own to go on.", second: "Your role needs a second factor. Set it up to go on." },
);

export function Due() {
  const password = me.value?.due === "password";
  return (
    <>
      <Title>{w().due}</Title>
      <Note tone="warn">{password ? t().password : t().second}</Note>
      {password ? <Password /> : <Second />}
    </>
  );
}
