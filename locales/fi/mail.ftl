# Sähköpostit. `when` on päivä ja kellonaika sekä suluissa selain ja osoite, jos ne tiedetään.

mail-device = { $browser }, { $system }
mail-device-unknown = tuntematon selain
mail-address = IP-osoite { $address }
mail-address-unknown = tuntematon IP-osoite
mail-case = Tapaus { $case }.

mail-closing-not-you = Etkö se ollut sinä? Avaa { $host }, valitse Tili ja sitten Salasana ja 2FA, kirjaa kaikki muut istunnot ulos ja vaihda salasanasi.
mail-closing-contact = Voit myös ottaa yhteyttä: { $help }.
mail-closing-never = Asiakaspalvelu ei koskaan kysy salasanaasi eikä sovelluksesi koodia.

mail-enabled-subject = Kaksivaiheinen tunnistautuminen on käytössä
mail-enabled-body = Kaksivaiheinen tunnistautuminen otettiin tililläsi käyttöön { $when }. Säilytä hätäkoodisi turvallisessa paikassa.

mail-replaced-subject = Todennussovelluksesi vaihdettiin
mail-replaced-body = Uusi todennussovellus otettiin käyttöön { $when }. Vanha sovellus ei enää toimi. Kaikki muut istunnot ja luotetut laitteet on kirjattu ulos, ja sinulla on uudet hätäkoodit.

mail-disabled-subject = Kaksivaiheinen tunnistautuminen poistettiin käytöstä
mail-disabled-body = Kaksivaiheinen tunnistautuminen poistettiin tililläsi käytöstä { $when }. Hätäkoodisi ja luotetut laitteesi eivät enää toimi.

mail-emergency-used-subject = Hätäkoodi käytettiin
mail-emergency-used-body = Hätäkoodilla kirjauduttiin sisään { $when }. Koodeja jäljellä: { $left }/{ $total }.

mail-codes-new-subject = Sinulla on uudet hätäkoodit
mail-codes-new-body = Uudet hätäkoodit luotiin { $when }. Vanhat eivät enää toimi.

mail-otc-subject = Kertakäyttökoodisi
mail-otc-code = { $code } on kertakäyttökoodisi.
mail-otc-body = Se toimii kerran ja vanhenee { $until }. Valitse koodi-ikkunassa ”Toinen tapa” ja sitten ”Kertakäyttökoodi”.
mail-otc-asked = Pyysit sen asiakaspalvelusta.
mail-otc-asked-case = Pyysit sen asiakaspalvelusta (tapaus { $case }).
mail-otc-keep = Älä anna sitä kenellekään, älä myöskään meille.

mail-otc-shown-subject = Asiakaspalvelu antoi sinulle kertakäyttökoodin
mail-otc-shown-body = Tilillesi luotiin kertakäyttökoodi { $when } (tapaus { $case }), ja se annettiin sinulle chatissa tai puhelimessa.
mail-otc-shown-plain-body = Tilillesi luotiin kertakäyttökoodi { $when }, ja se annettiin sinulle chatissa tai puhelimessa.

mail-otc-used-subject = Kertakäyttökoodi käytettiin
mail-otc-used-body = Asiakaspalvelun kertakäyttökoodilla kirjauduttiin sisään { $when }.

mail-enrolment-subject = Koodisi kaksivaiheisen tunnistautumisen käyttöönottoon
mail-enrolment-code = { $code } on koodisi kaksivaiheisen tunnistautumisen käyttöönottoon.
mail-enrolment-body = Se toimii kerran ja vanhenee { $until }. Anna se sivulla, joka pyytää sitä. Älä anna sitä kenellekään, älä myöskään meille.

mail-locked-subject = Joku antoi vääriä koodeja tilillesi
mail-locked-body = Joku, joka tietää salasanasi, antoi { $wrong } väärää koodia, viimeksi { $when }. Koodit ovat tauolla, kunnes on { $until }. Jos se et ollut sinä, vaihda salasanasi nyt.

mail-password-disabled-subject = Salasanasi poistettiin käytöstä
mail-password-disabled-body = Liian monen väärän yrityksen jälkeen salasanasi poistettiin käytöstä { $when }. Se ei enää avaa tiliäsi. Valitse uusi salasana: avaa { $host } ja valitse ”Unohditko salasanasi?”.

mail-app-disabled-subject = Todennussovelluksesi poistettiin käytöstä
mail-app-disabled-body = Joku, joka tietää salasanasi, antoi liian monta väärää koodia, joten todennussovelluksesi poistettiin käytöstä { $when }. Ota yhteyttä asiakaspalveluun, jotta saat sen taas käyttöön. Jos se et ollut sinä, vaihda salasanasi nyt.

mail-device-trusted-subject = Laite merkittiin luotetuksi
mail-device-trusted-body = Laite merkittiin luotetuksi { $when }. Siltä ei kysytä koodia ennen kuin { $until }.

mail-new-place-subject = Uusi kirjautuminen tilillesi
mail-new-place-body = Kirjauduit selaimella, jota ei ole ennen käytetty tililläsi: { $when }.

mail-password-subject = Salasanasi vaihdettiin
mail-password-body = Salasanasi vaihdettiin { $when }. Kaikki muut istunnot on kirjattu ulos.

mail-reset-subject = Vaihda salasanasi
mail-reset-body = Avaa tämä linkki { $minutes } minuutin kuluessa ja valitse uusi salasana:
mail-reset-ignore = Jos et pyytänyt tätä, älä tee mitään: salasanasi pysyy samana.

mail-invitation-subject = Uusi tilisi
mail-invitation-body = Sinulle luotiin tili. Avaa tämä linkki ja valitse salasanasi; se toimii kerran ja vanhenee { $until }:

mail-desk-subject = Asiakaspalvelu muutti tiliäsi
mail-desk-signed-out = Asiakaspalvelu kirjasi sinut ulos kaikkialta { $when }.
mail-desk-devices-removed = Asiakaspalvelu poisti luotetut laitteesi { $when }.
mail-desk-authenticator-reset = Asiakaspalvelu poisti todennussovelluksesi ja hätäkoodisi { $when }. Otat sovelluksen uudelleen käyttöön, kun seuraavan kerran kirjaudut.
mail-desk-exempted = Asiakaspalvelu siirsi päivää, jolloin sinun on otettava kaksivaiheinen tunnistautuminen käyttöön, { $when }.
mail-desk-unlocked = Asiakaspalvelu lopetti väärien salasanojen tai koodien aiheuttaman tauon { $when }. Voit taas kirjautua.
mail-desk-disabled = Asiakaspalvelu poisti tilisi käytöstä { $when }. Et voi enää kirjautua.
mail-desk-enabled = Asiakaspalvelu otti tilisi käyttöön { $when }. Voit taas kirjautua.
mail-desk-groups = Asiakaspalvelu muutti ryhmiäsi { $when }. Palvelut, jotka voit avata, ovat voineet muuttua.
mail-desk-password-reset = Asiakaspalvelu nollasi salasanasi { $when }. Vanha ei enää toimi, ja kaikki istunnot on kirjattu ulos.
mail-desk-deletion = Asiakaspalvelu päätti tilisi poistamisesta { $when }. Jos tarvitset sitä vielä, ota yhteyttä asiakaspalveluun.

mail-remind-subject = Ota kaksivaiheinen tunnistautuminen käyttöön viimeistään { $date }
mail-remind-body = Organisaatiosi vaatii kaksivaiheisen tunnistautumisen. Viimeinen päivä, jolloin voit lykätä sitä, on { $date }; sen jälkeen et voi kirjautua ilman sitä. Se kestää noin 3 minuuttia: avaa { $host }, valitse Tili ja sitten Salasana ja 2FA. Pidä puhelin mukana.

mail-deadline-subject = Kaksivaiheinen tunnistautuminen on nyt otettava käyttöön
mail-deadline-body = Kun seuraavan kerran kirjaudut, sinua pyydetään ottamaan kaksivaiheinen tunnistautuminen käyttöön ennen kuin voit jatkaa. Se kestää noin 3 minuuttia. Pidä puhelin mukana.
