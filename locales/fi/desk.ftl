desk-role-helpdesk = Tukipalvelu
desk-role-administrator = Pääkäyttäjä
desk-role-auditor = Tarkastaja
desk-nav-users = Etsi käyttäjä
desk-nav-approvals = Hyväksynnät
desk-nav-approvals-n = Hyväksynnät ({ $n })
desk-nav-adoption = 2FA:n käyttöönotto
desk-nav-audit = Tapahtumaloki
desk-nav-new = Uusi tili
desk-nav-import = Tuonti
desk-nav-services = Palvelusi
desk-utc = Kellonajat ovat UTC-aikaa.
desk-find-title = Etsi käyttäjä
desk-find-label = Nimi, sähköpostiosoite tai käyttäjätunnus
desk-find-submit = Hae
desk-find-filter = Rajaa kaksivaiheisen tunnistautumisen tilan mukaan
desk-find-all = Kaikki { $n }
desk-find-on = Käytössä { $n }
desk-find-grace = Muistutetaan { $n }
desk-find-due = Määräaika ohitettu { $n }
desk-find-exempt = Vapautettu { $n }
desk-find-count = { $n ->
    [one] 1 käyttäjä löytyi
   *[other] { $n } käyttäjää löytyi
 }
desk-find-more-title = Ensimmäiset { $n }
desk-find-more = Tuloksia on yli 50. Tarkenna hakua: lisää osa nimestä tai hae koko sähköpostiosoitteella.
desk-find-none = Haulla ”{ $query }” ei löytynyt käyttäjiä. Tarkista oikeinkirjoitus tai hae koko sähköpostiosoitteella.
desk-find-nobody = Tässä luettelossa ei ole ketään.
desk-find-short = Anna vähintään 3 merkkiä
desk-find-last = Viimeisin kirjautuminen:
desk-find-never = Ei ole kirjautunut
desk-find-disabled = Poistettu käytöstä
desk-find-audited = Jokainen haku kirjataan tapahtumalokiin.
desk-state-on = Käytössä
desk-state-grace = { $days ->
    [one] Muistutetaan, 1 päivä jäljellä
   *[other] Muistutetaan, { $days } päivää jäljellä
 }
desk-state-reminding = Muistutetaan
desk-state-due = Määräaika ohitettu
desk-state-exempt = Vapautettu
desk-state-exempt-until = Vapautettu { $date } asti
desk-user-login = Käyttäjätunnus: { $login }
desk-user-on = Kaksivaiheinen käytössä
desk-user-status = Tila
desk-user-app = Todennussovellus
desk-user-enabled = Otettu käyttöön
desk-user-last = Viimeksi hyväksytty koodi
desk-user-codes = Hätäkoodit
desk-user-codes-left = { $n }/{ $total } jäljellä
desk-user-devices = Luotetut laitteet
desk-user-sessions = Aktiiviset istunnot
desk-user-signed-in = Viimeisin kirjautuminen
desk-user-never = Ei koskaan
desk-user-pw = Salasana vaihdettu
desk-user-otc = Avoin kertakäyttökoodi
desk-user-until = asti:
desk-user-paused = Koodit tauolla
desk-user-exempt-until = Vapautettu, viimeinen päivä
desk-user-none = Ei ole
desk-user-groups = Ryhmät
desk-user-disabled = Tili poistettu käytöstä
desk-user-audit-all = Näytä kaikki
desk-user-help = Auta tätä käyttäjää
desk-user-help-note = Kaikki, mitä teet täällä, kirjataan tapahtumalokiin, ja käyttäjä saa siitä tiedon sähköpostitse.
desk-user-look = Roolisi saa katsella tätä tiliä, mutta ei muuttaa mitään.
desk-user-account = Tili
desk-user-issue = Anna kertakäyttökoodi
desk-user-out = Kirjaa ulos kaikkialta
desk-user-untrust = Poista luotetut laitteet
desk-user-reset = Nollaa todennussovellus
desk-user-reset-note = Nollaukseen tarvitaan toisen tukihenkilön hyväksyntä.
desk-user-exempt = Vapauta määräajasta
desk-user-unlock = Poista lukitus
desk-user-password-reset = Aloita salasanan vaihto
desk-user-groups-change = Muuta ryhmiä
desk-user-disable = Poista tili käytöstä
desk-user-enable = Ota tili käyttöön
desk-user-delete = Poista tili
desk-user-keep = Säilytä tili
desk-user-two-agents = Tällä tilillä on rooli tässä konsolissa. Kaikkiin sen muutoksiin tarvitaan toisen tukihenkilön hyväksyntä.
desk-user-self = Et voi antaa koodia etkä nollata omaa tiliäsi.
desk-user-higher = Tällä tilillä on laajempi rooli kuin sinulla. Pääkäyttäjä voi auttaa.
desk-user-contact = Tilin yhteystiedot muuttuivat { $date }. Seitsemään päivään sille ei lähetetä mitään salaista: varmista huolellisesti, kuka kysyy.
desk-user-deletion = Tili poistetaan { $date }.
desk-user-out-done = { $name } on kirjattu ulos kaikkialta.
desk-user-out-count = { $n ->
    [one] 1 istunto päätettiin.
   *[other] { $n } istuntoa päätettiin.
 }
desk-user-untrust-done = { $n ->
    [one] 1 luotettu laite on poistettu.
   *[other] { $n } luotettua laitetta on poistettu.
 }
desk-user-reset-wait = { $minutes ->
    [one] Nollaus odottaa toista tukihenkilöä. Se raukeaa 1 minuutin kuluttua.
   *[other] Nollaus odottaa toista tukihenkilöä. Se raukeaa { $minutes } minuutin kuluttua.
 }
desk-user-wait = { $minutes ->
    [one] Pyyntö odottaa toista tukihenkilöä. Se raukeaa 1 minuutin kuluttua.
   *[other] Pyyntö odottaa toista tukihenkilöä. Se raukeaa { $minutes } minuutin kuluttua.
 }
desk-user-reset-done = Todennussovellus on nollattu.
desk-user-exempted = Vapautettu määräajasta, viimeinen päivä { $date }.
desk-user-unlocked = Tauot on poistettu. Käyttäjä voi yrittää heti uudelleen.
desk-user-disabled-done = Tili on poistettu käytöstä, ja kaikki sen istunnot on päätetty.
desk-user-enabled-done = Tili on otettu käyttöön.
desk-user-groups-done = Ryhmät on muutettu.
desk-user-deletion-done = Tili on suljettu ja poistetaan { $date }. Siihen asti sen voi säilyttää.
desk-user-kept = Tiliä ei poisteta.
desk-user-reset-sent = Linkki uuden salasanan valitsemiseen on lähetetty osoitteeseen { $email }.
desk-user-created = Tili on luotu.
desk-user-invited = Tili on luotu, ja kutsu on lähetetty osoitteeseen { $email }.
desk-off-authenticator = Todennussovellusta ei ole otettu käyttöön.
desk-off-devices = Luotettuja laitteita ei ole.
desk-off-sessions = Aktiivisia istuntoja ei ole.
desk-off-paused = Mikään ei ole tauolla.
desk-off-email = Tilillä ei ole sähköpostiosoitetta.
desk-off-contact = Yhteystiedot ovat muuttuneet viimeisten 7 päivän aikana.
desk-off-mail = Sähköpostia ei ole määritetty.
desk-off-waiting = Odottaa toista tukihenkilöä.
desk-act-for = Käyttäjä:
desk-act-issue = Se korvaa sovelluksen koodin yhdessä kirjautumisessa. Käyttäjä tarvitsee silti salasanan.
desk-act-out = Kaikki istunnot päättyvät heti kaikilla laitteilla. Luotetut laitteet pysyvät luotettuina.
desk-act-untrust = Kaikilla laitteilla kysytään koodi seuraavassa kirjautumisessa.
desk-act-reset = Todennussovellus, hätäkoodit ja luotetut laitteet poistetaan, ja kaikki istunnot päättyvät. Käyttäjä ottaa uuden todennussovelluksen käyttöön seuraavassa kirjautumisessa.
desk-act-exempt = Siihen päivään asti käyttäjä voi kirjautua ottamatta käyttöön kaksivaiheista tunnistautumista, vaikka käytäntö sitä vaatisi.
desk-act-unlock = Väärien salasanojen ja koodien aiheuttamat tauot poistetaan. Salasana ja koodit pysyvät ennallaan.
desk-act-password-reset = Käyttäjä saa sähköpostitse linkin ja valitsee uuden salasanan. Et näe sitä, ja kaksivaiheinen tunnistautuminen pysyy käytössä.
desk-act-groups = Ryhmät määräävät, mitkä palvelut käyttäjä voi avata. Muutos on voimassa heti.
desk-act-disable = Käyttäjä ei voi enää kirjautua, ja kaikki istunnot päättyvät heti. Mitään ei poisteta.
desk-act-enable = Käyttäjä voi taas kirjautua entisellä salasanalla ja todennussovelluksella.
desk-act-delete = { $days ->
    [one] Tili suljetaan heti ja poistetaan 1 päivän kuluttua. Siihen asti sen voi säilyttää.
   *[other] Tili suljetaan heti ja poistetaan { $days } päivän kuluttua. Siihen asti sen voi säilyttää.
 }
desk-act-keep = Suunniteltu poisto perutaan.
desk-act-second = Tämä tulee voimaan, kun toinen tukihenkilö on hyväksynyt sen.
desk-act-until = Vapautuksen viimeinen päivä
desk-act-until-empty = Anna vapautuksen viimeinen päivä
desk-act-until-err = { $days ->
    [one] Valitse huominen
   *[other] Valitse päivä huomisesta alkaen, enintään { $days } päivän päästä
 }
desk-groups-hint = Pilkuilla erotettuina
desk-groups-err = Ryhmän nimessä on kirjaimia, numeroita, pisteitä, yhdysmerkkejä ja alaviivoja
desk-issue-title = Anna kertakäyttökoodi
desk-issue-page = Kertakäyttökoodi: { $name }
desk-issue-check = Miten varmistit, että kyseessä on käyttäjä?
desk-issue-check-callback = Soitin takaisin tiedossa olevaan numeroon
desk-issue-check-manager = Esihenkilö vahvisti
desk-issue-check-id = Näin henkilötodistuksen paikan päällä tai videolla
desk-issue-check-err = Valitse, miten varmistit, että kyseessä on käyttäjä
desk-issue-send = Miten käyttäjä saa koodin?
desk-issue-send-email = Lähetä osoitteeseen { $email }
desk-issue-send-mail = Lähetä sähköpostitse
desk-issue-send-email-hint = Et näe koodia.
desk-issue-send-show = Näytä se minulle kerran chattia tai puhelua varten
desk-issue-send-err = Valitse, miten käyttäjä saa koodin
desk-issue-case = Tapauksen numero
desk-issue-case-err = Anna tapauksen numero
desk-issue-quota = { $minutes ->
    [one] Olet antanut 5 kertakoodia tunnin sisällä. Yritä uudelleen 1 minuutin kuluttua.
   *[other] Olet antanut 5 kertakoodia tunnin sisällä. Yritä uudelleen { $minutes } minuutin kuluttua.
 }
desk-issue-submit = Anna koodi
desk-issue-cancel = Peruuta
desk-issue-replaces = Käyttäjällä on avoin koodi. Uusi korvaa sen.
desk-shown-title = Kertakäyttökoodi: { $name }
desk-shown-valid = Voimassa { $time } asti ({ $minutes } minuuttia), yhtä kirjautumista varten. Kun suljet tämän, et näe koodia uudelleen.
desk-shown-message-label = Viesti chattiin
desk-shown-message = Kertakäyttökoodisi on { $code }. Valitse koodi-ikkunassa ”Toinen tapa” ja sitten ”Kertakäyttökoodi”. Se toimii kerran, { $time } asti. Kukaan ei pyydä sinua sanomaan sitä takaisin.
desk-shown-copy = Kopioi viesti
desk-shown-done = Valmis
desk-shown-sent = Koodi on lähetetty osoitteeseen { $email }. Se on voimassa { $time } asti.
desk-approvals-note = Toisen tukihenkilön on hyväksyttävä nämä pyynnöt. Soita pyytäjälle, jos jokin vaikuttaa oudolta.
desk-approvals-none = Mikään ei odota hyväksyntää.
desk-approvals-by = Pyytäjä
desk-approvals-at = Pyydetty
desk-approvals-check = Varmistettu
desk-approvals-lapses = { $minutes ->
    [one] Raukeaa 1 minuutin kuluttua
   *[other] Raukeaa { $minutes } minuutin kuluttua
 }
desk-approvals-own = Tämä on oma pyyntösi tai koskee omaa tiliäsi. Jonkun muun on päätettävä siitä.
desk-approvals-approve = Hyväksy
desk-approvals-decline = Hylkää
desk-approvals-approved = Hyväksytty ja tehty.
desk-approvals-declined = Hylätty. Mitään ei muutettu.
desk-approvals-gone = Pyyntö on rauennut, tai joku muu on jo päättänyt siitä.
desk-adopt-title = 2FA:n käyttöönotto
desk-adopt-csv = Lataa CSV
desk-adopt-on-hint = { $n }/{ $total } käyttäjästä
desk-adopt-grace-hint = voivat vielä lykätä
desk-adopt-due-hint = otettava käyttöön kirjautumista varten
desk-adopt-exempt-hint = kukin määräpäivään asti
desk-adopt-chart = Kaksivaiheista tunnistautumista käyttävien osuus
desk-adopt-deadline = Viimeinen määräaika { $date }
desk-adopt-alt = Viikolla { $date } { $a } %, viikolla { $date2 } { $b } %.
desk-adopt-alt-one = Viikolla { $date2 } { $b } %.
desk-adopt-empty = Viikkolukuja ei vielä ole.
desk-adopt-numbers = Näytä luvut
desk-adopt-per-week = Osuus viikoittain
desk-adopt-week = Viikko alkaen
desk-adopt-row = Käytössä, %
desk-adopt-groups = Ryhmittäin
desk-adopt-table = Ryhmätaulukko
desk-adopt-th-group = Ryhmä
desk-adopt-th-users = Käyttäjiä
desk-trail-event = Tapahtuma
desk-trail-any = Mikä tahansa
desk-trail-actor = Tekijä
desk-trail-from = Alkaen
desk-trail-to = Päättyen
desk-trail-dates-err = Anna kaksi päivää, aiempi ensin
desk-trail-note = Lokia voi lukea mutta ei muuttaa.
desk-trail-none = Mitään ei ole kirjattu.
desk-trail-export = Vie (JSON Lines)
desk-trail-newest = Uusimmat
desk-trail-older = Vanhemmat
desk-trail-whom = Tili
desk-trail-who = Tekijä
desk-trail-where = Mistä
desk-new-name = Nimi
desk-new-name-err = Anna nimi
desk-new-login = Käyttäjätunnus
desk-new-login-empty = Anna käyttäjätunnus
desk-new-login-bad = Tätä käyttäjätunnusta ei voi käyttää
desk-new-login-taken = Tällä käyttäjätunnuksella on jo tili
desk-new-email = Sähköpostiosoite
desk-new-email-bad = Anna koko sähköpostiosoite, esimerkiksi nimi@example.com
desk-new-email-empty = Kutsua varten tarvitaan sähköpostiosoite
desk-new-email-taken = Tällä sähköpostiosoitteella on jo tili
desk-new-language-any = Organisaation kieli
desk-new-start = Miten käyttäjä aloittaa?
desk-new-start-err = Valitse, miten käyttäjä aloittaa
desk-new-invite = Sähköpostitse saadulla kutsulla
desk-new-invite-hint = Käyttäjä valitsee salasanan. Et näe sitä.
desk-new-show = Ensisalasanalla, joka näytetään minulle kerran
desk-new-show-hint = Käyttäjän on vaihdettava se ensimmäisessä kirjautumisessa.
desk-new-submit = Luo tili
desk-secret-title = Ensisalasana: { $name }
desk-secret-until = Se toimii { $time } UTC asti.
desk-secret-note = Käyttäjän on vaihdettava se ensimmäisessä kirjautumisessa. Kun suljet tämän, et näe sitä uudelleen.
desk-import-title = Tuo tilejä
desk-import-label = Tilit
desk-import-hint = Liitä CSV, jossa on otsikkorivi, tai JSON Lines. Mitään ei luoda, ennen kuin olet nähnyt, mitä kukin rivi tekisi.
desk-import-preview = Tarkista
desk-import-check = Mitään ei ole vielä luotu. Ongelmalliset rivit ja olemassa olevat tilit jätetään pois.
desk-import-submit = { $n ->
    [one] Luo 1 tili
   *[other] Luo { $n } tiliä
 }
desk-import-again = Aloita alusta
desk-import-more = Tuo lisää
desk-import-report = Mitä tapahtuisi
desk-import-result = Mitä tehtiin
desk-import-lines = Raportti riveittäin
desk-import-th-line = Rivi
desk-import-th-who = Tili
desk-import-th-what = Tulos
desk-import-new = { $n ->
    [one] 1 uusi
   *[other] { $n } uutta
 }
desk-import-created = { $n ->
    [one] 1 luotu
   *[other] { $n } luotu
 }
desk-import-exists = { $n ->
    [one] 1 on jo olemassa
   *[other] { $n } on jo olemassa
 }
desk-import-problems = { $n ->
    [one] 1 ongelma
   *[other] { $n } ongelmaa
 }
desk-import-line-new = Uusi
desk-import-line-created = Luotu
desk-import-line-exists = On jo olemassa
desk-import-line-problem = Ongelma
desk-forbidden-title = Roolisi ei salli tätä
desk-forbidden-body = Olet kirjautunut, mutta tämä konsolin osa on toista roolia varten. Jos tarvitset sitä työssäsi, kysy organisaatiosi käyttöoikeuksista vastaavalta henkilöltä.
desk-new-role-err = Ryhmät, jotka antavat roolin tässä konsolissa, annetaan jälkikäteen toisen käsittelijän kanssa
desk-import-err-line = Riviä ei voi lukea: { $name }
desk-import-err-login = Tätä käyttäjätunnusta ei voi käyttää
desk-import-err-email = Tämä ei ole sähköpostiosoite
desk-import-err-group = Tämä ei voi olla ryhmä: { $name }
desk-import-err-twice = On jo rivillä { $name }
desk-import-err-taken = Sähköpostiosoite kuuluu toiselle tilille
desk-import-err-role = Ryhmä { $name } antaa roolin tässä konsolissa: anna se jälkikäteen toisen käsittelijän kanssa
desk-import-err-password = Salasanoja tuodaan vain komentorivillä
desk-import-err-text = Tämä ei ole UTF-8-tekstiä
desk-import-err-empty = Liitä vähintään yksi tili
desk-import-err-many = Rivejä on liikaa: enintään { $name } kerralla
desk-import-err-large = Tämä on liian suuri: enintään 1 Mt kerralla
desk-import-err-stale = Lähetetty ei ole se, mikä tarkistettiin. Tarkista uudelleen
desk-act-last-administrator = Yhtään pääkäyttäjää ei jäisi jäljelle. Anna rooli ensin jollekulle muulle.
desk-act-no-mail = Tälle käyttäjälle ei voi lähettää sähköpostia: osoite puuttuu tai se on muuttunut viimeisten 7 päivän aikana, tai sähköposti ei ole käytössä.
